import { keptTime } from "../../../contract/kept-tags.ts";
import { labelKeys } from "../../../contract/names.ts";
import { UserError } from "../../../contract/user-error.ts";
import { docker } from "../../../host/docker.ts";
import { factoryCommand } from "../../../lib/factory-command.ts";
import { releaseStaleLock } from "../../../pulumi/lock.ts";
import { openStack } from "../../../pulumi/open.ts";
import type { Workspace } from "../../../pulumi/workspace.ts";
import { createProgress, type Progress } from "../../../setup/index.ts";
import { isLocal, openStore } from "../../data/store.ts";
import { takeSnapshot } from "../../data/take.ts";
import { existingVolumes } from "../../data/volume-users.ts";
import { finishCutOff } from "../../upgrade/leftovers.ts";
import { apply as up } from "../../upgrade/up.ts";
import { formatPlace, mountOption } from "../place.ts";
import type { DataStep } from "../plan/plan.ts";
import { areSame, type CopyOptions, copyPlace } from "./copy.ts";
import { runHelper } from "./helper.ts";
import { enter, type Journal, noteCopy } from "./journal.ts";
import { keepContent, makeVolume } from "./keep.ts";
import { disturbed, missing, setAside } from "./old-containers.ts";
import { rehearse } from "./rehearsal.ts";
import { writeStackConfig } from "./stack-config.ts";

/**
 * Carries a plan out, each step written down before it is taken, so that the same call goes on where a killed one was. Until all is
 * copied nothing of the old deployment is changed but that it is stopped.
 * @param values of the plan's secrets, by their paths
 */
export async function applyPlan(journal: Journal, values: Map<string, string>, signal: AbortSignal): Promise<void> {
  const { plan } = journal;
  const progress = createProgress();
  if (journal.phase === "configuring") {
    const file = `Pulumi.${plan.stack}.yaml`;
    await progress.step(`Write ${file}`, "its secrets encrypted", () => writeStackConfig(plan, values));
  }
  signal.throwIfAborted();
  const workspace = await openStack(plan.stack);
  if (["configuring", "rehearsing"].includes(journal.phase)) {
    enter(journal, "rehearsing");
    await releaseStaleLock(workspace);
    await finishCutOff(workspace, "migrate", { ask: false });
    await rehearse(workspace);
    signal.throwIfAborted();
    await refuseGone(journal);
    enter(journal, "stopping");
  }
  if (["stopping", "snapshotting", "copying"].includes(journal.phase)) {
    // Somebody may have started them since a try that was cut off: what was copied then is old.
    const ran = await progress.step("Stop the old containers", "they are kept, under other names", () =>
      setAside(plan.host, plan.old),
    );
    if (ran) for (const volume of Object.keys(journal.copies)) journal.copies[volume] = "copying";
    enter(journal, journal.phase === "stopping" ? "snapshotting" : journal.phase);
  }
  signal.throwIfAborted();
  if (journal.phase === "snapshotting") {
    await snapshot(workspace, progress);
    enter(journal, "copying");
  }
  signal.throwIfAborted();
  if (journal.phase === "copying") {
    await copyAll(journal, progress, signal);
    journal.started = true;
    enter(journal, "starting");
  }
  if (journal.phase === "starting") {
    await up(workspace, "migrate", { ask: false });
    signal.throwIfAborted();
    enter(journal, "done");
  }
  const names = await disturbed(plan.host, plan.kept);
  if (names.length > 0)
    console.log(`Not as it was before, and not touched by this: ${names.join(", ")} (docker ps --all).`);
}

async function refuseGone({ plan }: Journal): Promise<void> {
  const gone = await missing(plan.host, plan.old);
  if (gone.length === 0) return;
  throw new UserError(
    "migration-changed",
    `Of the old deployment ${gone.map(({ name }) => name).join(", ")} is not there any more. Nothing was stopped.\n` +
      `Look at it anew: ${factoryCommand} migrate --from ${plan.from} --stack ${plan.stack}`,
  );
}

/** Of the volumes that stay where they are: what is copied is still there as it was. */
async function snapshot(workspace: Workspace, progress: Progress): Promise<void> {
  const { factoryName: factory, dockerHost: host } = workspace.config;
  const store = await openStore(workspace);
  if ((await existingVolumes(store)).length === 0) return;
  if (isLocal(store)) {
    await runHelper(
      { factory, host },
      { binds: [`${store.repository}:/repository`], script: "chmod 700 /repository", access: "write" },
    );
  }
  await takeSnapshot(store, { why: "before the migration", progress });
}

async function copyAll(journal: Journal, progress: Progress, signal: AbortSignal): Promise<void> {
  for (const step of journal.plan.data) {
    const { source, volume } = step;
    if (source.kind !== "copy" || journal.copies[volume] === "copied") continue;
    const what = `Copy ${formatPlace(source.from)}`;
    await progress.step(what, `to the volume ${volume}`, () => copy(journal, step, signal));
  }
}

async function copy(journal: Journal, { source, volume, ofAgents }: DataStep, signal: AbortSignal): Promise<void> {
  if (source.kind !== "copy") return;
  const { factory, host } = journal.plan;
  const to = { kind: "volume", name: volume } as const;
  const copying = { from: source.from, to, fixOwner: ofAgents, signal };
  if (journal.copies[volume] === undefined) {
    await makeVolume(journal, volume);
    await spareContent(journal, copying, volume);
    noteCopy(journal, volume, "copying");
  }
  await copyPlace({ factory, host }, copying);
  noteCopy(journal, volume, "copied");
}

/**
 * What the volume has already: of an earlier try of this migration it is kept, where it is not the same anyhow.
 * @throws UserError where it is not of this migration: somebody has put it there since the plan
 */
async function spareContent(journal: Journal, copying: CopyOptions, volume: string): Promise<void> {
  const { id, plan } = journal;
  const { stdout: first } = await runHelper(plan, {
    mounts: [mountOption(copying.to, "/to", { readOnly: true })],
    script: "find /to -mindepth 1 -maxdepth 1 -print -quit",
    access: "read",
  });
  if (first === "") return;
  const format = `{{index .Labels "${labelKeys.migration}"}}`;
  if ((await docker(plan.host, ["volume", "inspect", `--format=${format}`, volume])) !== id) {
    throw new UserError("migration-changed", `The volume ${volume} has been filled since, and is not written over.`);
  }
  if (await areSame(plan, copying)) return;
  const kept = `${volume}-before-apply-${keptTime(new Date())}`;
  await keepContent(journal, copying.to, kept);
  console.log(`What an earlier try left in ${volume} is kept in the volume ${kept}.`);
}
