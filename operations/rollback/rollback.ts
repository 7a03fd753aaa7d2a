import confirm from "@inquirer/confirm";
import { imageNames } from "../../contract/names.ts";
import { codeOf, UserError } from "../../contract/user-error.ts";
import { namesIn, readRunning } from "../../host/factory-containers.ts";
import { factoryCommand, pulumiCommand } from "../../lib/factory-command.ts";
import { compareConfig, type HistoryEntry, type StackConfig } from "../../pulumi/config-changes.ts";
import { lettingGo } from "../../pulumi/events.ts";
import { readHistory } from "../../pulumi/history.ts";
import { openStack, saveStackFile } from "../../pulumi/open.ts";
import { askPulumi } from "../../pulumi/run.ts";
import { imageKeys } from "../../pulumi/stack-file.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { acceptDataFormat, refuseOlderFormat } from "../data/format.ts";
import { formatRestore } from "../data/text.ts";
import { apply } from "../upgrade/up.ts";
import { readReleases } from "../versions/deployments.ts";
import { planRollback, type RollbackPlan } from "../versions/rollback-plan.ts";
import { describeVersion, isRunning, type Release } from "../versions/versions.ts";
import { planDataOf, restoreInto } from "./rollback-data.ts";
import { type Destination, formatList, formatPlan, toJson } from "./text.ts";

export interface RollbackOptions {
  stack: string;
  yes?: boolean;
  list?: boolean;
  json?: boolean;
  restore?: boolean;
  keepData?: boolean;
}

export async function rollback(version: string | undefined, options: RollbackOptions): Promise<void> {
  const { stack, yes, list, json, restore, keepData } = options;
  const workspace = await openStack(stack);
  const history = await readHistory(workspace);
  const destinations = await readDestinations(workspace, history);
  if (list) {
    console.log(json ? JSON.stringify(destinations.map(toJson), null, 2) : formatList(workspace, destinations));
    return;
  }
  const { release } = choose(workspace, destinations, version);
  if (!restore && !keepData) await refuseOlderFormats(workspace, release);
  const data = restore ? await planDataOf(workspace, release) : undefined;
  const plan = await planRollback(workspace, release);
  refuseLosses(plan);
  console.log(formatPlan(workspace, release, plan, await pendingKeys(workspace, history)));
  if (data !== undefined) console.log(formatRestore(data.store, data.plan));
  if (!yes && !(await confirmed(workspace))) throw new UserError("cancelled", "Nothing was changed.");
  const saved = saveStackFile(workspace, plan.file);
  try {
    if (data !== undefined) await restoreInto(data);
    if (restore || keepData) saved.env = { ...saved.env, [acceptDataFormat]: "1" };
    await apply(saved, `rollback to ${describeVersion(release)}`, { ask: false });
  } catch (error) {
    throw unfinished(saved, release, error);
  }
}

async function readDestinations(workspace: Workspace, history: HistoryEntry[]): Promise<Destination[]> {
  const releases = await readReleases(workspace, history);
  const running = await readRunning(namesIn(workspace.config));
  return releases.map((release) => ({ release, running: isRunning(release, running) }));
}

/**
 * @throws UserError where there is no such version, or nothing to go back to
 */
function choose(workspace: Workspace, destinations: Destination[], version: string | undefined): Destination {
  const wanted =
    version === undefined ? destinations : destinations.filter(({ release }) => isCalled(release, version));
  const chosen = wanted.find(({ running }) => !running);
  if (chosen !== undefined) return chosen;
  const { stack, config } = workspace;
  if (version !== undefined && wanted.length > 0) {
    throw new UserError("rollback-nowhere", `Factory ${config.factoryName} runs ${version} already.`);
  }
  const what = version === undefined ? "There is no version to go back to" : `${version} was never healthy here`;
  const fix =
    version === undefined
      ? ""
      : `\nA version that never ran here: ${pulumiCommand} config set --stack ${stack} disinto:release ${version}, then ${factoryCommand} up --stack ${stack}`;
  throw new UserError("rollback-nowhere", `${what}. ${formatList(workspace, destinations)}${fix}`, 2);
}

function isCalled({ images }: Release, version: string): boolean {
  const { agents } = images;
  const digests = agents?.references.map(({ digest }) => digest?.replace("sha256:", "") ?? "") ?? [];
  return (
    agents?.version === version || (/^[0-9a-f]{6,64}$/.test(version) && digests.some((it) => it.startsWith(version)))
  );
}

/** What is on the host already is looked at before anything else. */
async function refuseOlderFormats({ stack, config }: Workspace, { images }: Release): Promise<void> {
  const { factoryName: factory, dockerHost } = config;
  for (const image of imageNames) {
    const id = images[image]?.id;
    if (id !== undefined) await refuseOlderFormat(dockerHost, { factory, stack, image, id });
  }
}

/** A rollback never lets go of data, whatever else the config says by now. */
function refuseLosses({ steps, file }: RollbackPlan): void {
  const lost = lettingGo(steps);
  if (lost.length === 0) return;
  const names = lost.map(({ old }) => String(old?.inputs.name)).join(", ");
  throw new UserError(
    "data-let-go",
    `The config of stack ${file.stack} would let go of ${names}. Nothing was changed.\n` +
      `Set back what changed besides the images (${factoryCommand} preview --stack ${file.stack} shows it), then roll back.`,
  );
}

/** Keys changed since the last update, besides those of the images: a rollback applies them too. */
async function pendingKeys(workspace: Workspace, history: HistoryEntry[]): Promise<string[]> {
  const compared = compareConfig(await askPulumi<StackConfig>(workspace, ["config", "--show-secrets"]), history);
  const changes = compared.kind === "compared" ? compared.changes : [];
  return changes.map(({ key }) => key).filter((key) => !(imageKeys as readonly string[]).includes(key));
}

async function confirmed({ stack }: Workspace): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "nobody-to-ask",
      `Nobody to ask here. Nothing was changed: ${factoryCommand} rollback --stack ${stack} --yes`,
      2,
    );
  }
  return confirm({ message: "Write the config and apply it?", default: false });
}

function unfinished({ stack, file }: Workspace, release: Release, error: unknown): UserError {
  return new UserError(
    codeOf(error),
    `${(error as Error).message}\n` +
      `The rollback to ${describeVersion(release)} is in ${file}, and not finished. Go on: ${factoryCommand} up --stack ${stack}`,
  );
}
