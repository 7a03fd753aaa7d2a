import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keptTime } from "../../contract/kept-tags.ts";
import { codeOf, UserError } from "../../contract/user-error.ts";
import { ask } from "../../host/docker.ts";
import { namesIn, type Running, readRunning } from "../../host/factory-containers.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { paths } from "../../lib/paths.ts";
import { askHistory } from "../../pulumi/history.ts";
import { saveStackFile } from "../../pulumi/open.ts";
import { historyMessage, runPulumi, unasked } from "../../pulumi/run.ts";
import { imageKeys, readImageKeys } from "../../pulumi/stack-file.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { readReleases } from "../versions/deployments.ts";
import { planRollback } from "../versions/rollback-plan.ts";
import { describeVersion, isRunning, type Release } from "../versions/versions.ts";

/**
 * After an update that failed: where it had replaced containers, back to the release that ran before, config and containers.
 * @param before what ran before the update
 * @returns what to tell: why it failed, what runs now, and what to do
 */
export async function returnAfter(workspace: Workspace, before: Running, error: unknown): Promise<UserError> {
  const why = (error as Error).message;
  const { factoryName } = workspace.config;
  const replaced = replacedSince(before, await readRunning(namesIn(workspace.config)));
  if (replaced.length === 0) return new UserError(codeOf(error), `${why}\nWhat runs is what ran before.`);
  const releases = await readReleases(workspace, (await askHistory(workspace)) ?? []);
  const release = releases.find((candidate) => isRunning(candidate, before));
  if (release === undefined)
    return new UserError(codeOf(error), `${why}\n${await whatRuns(workspace, before)}\n${nextStep(workspace)}`);
  const logs = await keepLogs(workspace, replaced);
  try {
    if (!(await goBack(workspace, release))) {
      return new UserError(
        codeOf(error),
        `${why}\n${await whatRuns(workspace, before)}\n${logs}\n${nextStep(workspace)}`,
      );
    }
  } catch (second) {
    return new UserError(
      "return-failed",
      `${why}\nThe way back to ${describeVersion(release)} failed too: ${(second as Error).message}\n` +
        `${await whatRuns(workspace, before)}\n${logs}\n${nextStep(workspace)}`,
    );
  }
  return new UserError(
    codeOf(error),
    `${why}\nFactory ${factoryName} is back on ${describeVersion(release)}, and so is ${workspace.file}.\n${logs}`,
  );
}

/** Components that ran before, and do not run in the same container now. */
function replacedSince(before: Running, now: Running): string[] {
  return Object.keys(before).filter((component) => {
    const [was, is] = [before[component], now[component]];
    return was !== undefined && (is?.id !== was.id || isUp(is.state) !== isUp(was.state));
  });
}

function isUp(state: string): boolean {
  return state.startsWith("running");
}

/** Returns whether there was a way: where the config names the release already, it is something else in it that failed. */
async function goBack(workspace: Workspace, release: Release): Promise<boolean> {
  const plan = await planRollback(workspace, release);
  const [before, after] = [readImageKeys(workspace), readImageKeys(plan.file)];
  if (imageKeys.every((key) => before[key] === after[key])) return false;
  console.log(`Going back to ${describeVersion(release)}, which was healthy on ${release.time}.`);
  const saved = saveStackFile(workspace, plan.file);
  const message = historyMessage(`return to ${describeVersion(release)}`);
  await runPulumi(saved, "up", [...unasked, ...message]);
  return true;
}

/** Keeps what the containers that failed have printed: they are removed. */
async function keepLogs({ config }: Workspace, replaced: string[]): Promise<string> {
  const now = await readRunning(namesIn(config));
  const time = keptTime(new Date());
  mkdirSync(paths.logs, { recursive: true });
  const files: string[] = [];
  for (const component of replaced) {
    const container = now[component];
    if (container === undefined || container.state === "created") continue;
    const file = join(paths.logs, `${container.name}-${time}.log`);
    const { output } = await ask(config.dockerHost, ["logs", "--timestamps", container.id], 60);
    writeFileSync(file, `${output}\n`, { mode: 0o600 });
    files.push(file);
  }
  return files.length === 0 ? "The containers that failed left no log." : `Their logs: ${files.join(", ")}`;
}

/** Where pulumi was stopped between a container's end and the next one, there is none. */
async function whatRuns({ config }: Workspace, before: Running): Promise<string> {
  const running = await readRunning(namesIn(config));
  const lines = Object.entries({ ...before, ...running }).map(
    ([component, { name, state }]) => `  ${name}: ${component in running ? state : "not there any more"}`,
  );
  return ["What is there now:", ...lines].join("\n");
}

function nextStep({ stack }: Workspace): string {
  return `Correct the cause and go on: ${factoryCommand} up --stack ${stack}; or go back: ${factoryCommand} rollback --stack ${stack}`;
}
