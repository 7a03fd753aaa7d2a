import { keptTime } from "../../../contract/kept-tags.ts";
import { labelKeys } from "../../../contract/names.ts";
import { UserError } from "../../../contract/user-error.ts";
import { docker } from "../../../host/docker.ts";
import { factoryCommand } from "../../../lib/factory-command.ts";
import { releaseStaleLock } from "../../../pulumi/lock.ts";
import { openStack } from "../../../pulumi/open.ts";
import { historyMessage, runPulumi, unasked } from "../../../pulumi/run.ts";
import { readState } from "../../../pulumi/state.ts";
import type { Workspace } from "../../../pulumi/workspace.ts";
import { createProgress } from "../../../setup/index.ts";
import { finishCutOff } from "../../upgrade/leftovers.ts";
import { formatPlace, type Place } from "../place.ts";
import { readContents } from "../plan/contents.ts";
import { areSame, copyPlace } from "./copy.ts";
import { runHelper } from "./helper.ts";
import { enter, type Journal, noteCopy } from "./journal.ts";
import { keepContent } from "./keep.ts";
import { bringBack, missing, refuseInUse } from "./old-containers.ts";

/** A volume whose data goes back to where it was copied from. */
interface Return {
  volume: string;
  ofAgents: boolean;
  /** Undefined where another volume's data goes there: two were copied from one place. */
  to: Place | undefined;
}

/**
 * Goes back to compose, with all that was written since. What the old places held is kept first, in volumes of their own.
 * @returns what to tell
 * @throws UserError where there is no room for it; then the factory runs on
 */
export async function undoMigration(journal: Journal): Promise<string> {
  const { plan } = journal;
  const progress = createProgress();
  if (journal.phase === "configuring") {
    enter(journal, "undone");
    return `Nothing of compose project ${plan.project} was touched.`;
  }
  if (journal.phase !== "returning") {
    const workspace = await openStack(plan.stack);
    const returns = journal.started ? returnsOf(journal) : [];
    await refuseInUse(
      plan,
      returns.flatMap(({ to }) => to ?? []),
    );
    await makeDirectories(journal, returns);
    await needRoom(journal, returns);
    journal.undoBegun ??= keptTime(new Date());
    enter(journal, "undoing");
    await takeAway(workspace);
    for (const each of returns) {
      const what = each.to === undefined ? `Keep ${each.volume}` : `Bring back ${formatPlace(each.to)}`;
      await progress.step(what, `from the volume ${each.volume}`, () => putBack(journal, each));
    }
    enter(journal, "returning");
  }
  const gone = await missing(plan.host, plan.old);
  await progress.step("Start the old containers", "under their names", () => bringBack(plan.host, plan.old));
  enter(journal, "undone");
  return report(
    journal,
    gone.map(({ service }) => service),
  );
}

/** Two volumes may have been copied from one place: the first of them goes back there, the other one is kept. */
function returnsOf({ plan, copies }: Journal): Return[] {
  const taken = new Set<string>();
  const returns = plan.data.flatMap(({ source, volume, ofAgents }): Return[] => {
    const wasCopied = copies[volume] !== undefined && copies[volume] !== "copying";
    if (source.kind !== "copy" || !wasCopied) return [];
    const place = formatPlace(source.from);
    const to = taken.has(place) ? undefined : source.from;
    taken.add(place);
    return [{ volume, ofAgents, to }];
  });
  // A directory in another one goes back after it.
  const depth = ({ to }: Return) => (to === undefined ? 0 : formatPlace(to).length);
  return returns.filter(({ volume }) => copies[volume] !== "back").sort((one, other) => depth(one) - depth(other));
}

/** A directory that somebody has removed is made anew, for its data to go back to. */
async function makeDirectories({ plan }: Journal, returns: Return[]): Promise<void> {
  const paths = returns.flatMap(({ to }) => (to?.kind === "directory" ? [to.path] : []));
  if (paths.length === 0) return;
  const binds = paths.map((path, index) => `${path}:/place/${index}`);
  await runHelper(plan, { binds, script: "true", access: "read" });
}

async function needRoom(journal: Journal, returns: Return[]): Promise<void> {
  if (returns.length === 0) return;
  const { plan, phase } = journal;
  const volumes = returns.map(({ volume: name }): Place => ({ kind: "volume", name }));
  const olds = returns.flatMap(({ to }) => to ?? []);
  const { free, places } = await readContents(plan, [...volumes, ...olds]);
  const bytes = (place: string) => places.get(place)?.bytes ?? 0;
  const needed = returns.reduce((sum, { volume, to }) => {
    const old = to === undefined ? 0 : bytes(formatPlace(to));
    const kept = journal.copies[volume] === "kept" ? 0 : old;
    return sum + kept + Math.max(0, bytes(volume) - old);
  }, 0);
  if (needed * 1.02 <= free) return;
  throw new UserError(
    "migration-no-room",
    `Going back needs ${Math.ceil(needed / 1e6)} MB, and ${Math.floor(free / 1e6)} MB are free where Docker keeps its volumes. ${phase === "undoing" ? "Nothing is lost; neither deployment runs." : "Nothing was touched."}\n` +
      `Make room (docker system df), then: ${factoryCommand} migrate --undo --stack ${plan.stack}`,
  );
}

/** Removes the factory's containers, and what a killed command has left at work; the volumes stay. */
async function takeAway(workspace: Workspace): Promise<void> {
  const { factoryName, dockerHost } = workspace.config;
  await releaseStaleLock(workspace);
  await finishCutOff(workspace, "migrate --undo", { ask: false });
  const { resources } = await readState(workspace);
  if (resources.some(({ type }) => type.startsWith("docker:") || type.startsWith("command:"))) {
    await runPulumi(workspace, "destroy", ["--exclude-protected", ...historyMessage("migrate --undo"), ...unasked]);
  }
  const own = `label=${labelKeys.factory}=${factoryName}`;
  const ids = await docker(dockerHost, ["ps", "--all", "--quiet", "--filter", own]);
  // Anonymous volumes are those of canaries.
  if (ids !== "") await docker(dockerHost, ["rm", "--force", "--volumes", ...ids.split("\n")]);
}

async function putBack(journal: Journal, { volume, to, ofAgents }: Return): Promise<void> {
  const where = journal.plan;
  const from: Place = { kind: "volume", name: volume };
  if (to === undefined) {
    await keepContent(journal, from, keptName(journal, volume));
    return noteCopy(journal, volume, "back");
  }
  if (journal.copies[volume] === "copied") {
    if (await areSame(where, { from: to, to: from, fixOwner: ofAgents })) return noteCopy(journal, volume, "back");
    await keepContent(journal, to, keptName(journal, volume));
    noteCopy(journal, volume, "kept");
  }
  await copyPlace(where, { from, to, fixOwner: false });
  noteCopy(journal, volume, "back");
}

/** Volume with what an old place held before the data came back to it. */
function keptName({ undoBegun }: Journal, volume: string): string {
  return `${volume}-before-undo-${undoBegun}`;
}

function report(journal: Journal, gone: string[]): string {
  const { plan } = journal;
  const kept = Object.keys(journal.kept ?? {});
  const lines = [
    `Compose project ${plan.project} runs again, with all that was written since.`,
    ...kept.map((name) => `What ${journal.kept?.[name]} held before is in the volume ${name}.`),
    ...(gone.length === 0 ? [] : [`Gone, to be made anew: docker compose up -d ${gone.join(" ")} (in ${plan.from})`]),
    `Pulumi.${plan.stack}.yaml stays: it has the password of the snapshots in ${(plan.config.snapshots as { repository: string }).repository}.`,
    `  to try again  ${factoryCommand} migrate --from ${plan.from} --stack ${plan.stack} --apply`,
  ];
  return lines.join("\n");
}
