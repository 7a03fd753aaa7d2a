import { labelKeys } from "../../components/contract.ts";
import { apply as up } from "../apply.ts";
import { docker } from "../docker.ts";
import { openStack, type Workspace } from "../engine.ts";
import { UserError } from "../error.ts";
import { finishCutOff } from "../leftovers.ts";
import { createProgress, type Progress } from "../setup/index.ts";
import { existingVolumes } from "../snapshots/containers.ts";
import { isLocal, openStore } from "../snapshots/store.ts";
import { takeSnapshot } from "../snapshots/take.ts";
import { releaseStaleLock } from "../stack-lock.ts";
import { copyPlace } from "./copy.ts";
import { runHelper } from "./helper.ts";
import { enter, type Journal, noteCopy } from "./journal.ts";
import { disturbed, missing, setAside } from "./old-containers.ts";
import { formatPlace, mountOption } from "./place.ts";
import type { DataStep } from "./plan.ts";
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
  if (journal.phase === "stopping") {
    await progress.step("Stop the old containers", "they are kept, under other names", () =>
      setAside(plan.host, plan.old),
    );
    enter(journal, "snapshotting");
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
      `Look at it anew: ./factory migrate --from ${plan.from} --stack ${plan.stack}`,
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
  if (journal.copies[volume] === undefined) {
    await makeVolume(journal, volume);
    await refuseFilled(journal, volume);
    noteCopy(journal, volume, "copying");
  }
  await copyPlace({ factory, host }, { from: source.from, to, fixOwner: ofAgents, signal });
  noteCopy(journal, volume, "copied");
}

async function makeVolume({ id, plan }: Journal, volume: string): Promise<void> {
  const labels = [`--label=${labelKeys.factory}=${plan.factory}`, `--label=${labelKeys.migration}=${id}`];
  // Docker leaves one that is there already as it is.
  await docker(plan.host, ["volume", "create", ...labels, volume]);
}

/** What somebody has put there since the plan is not to be written over. */
async function refuseFilled({ id, plan }: Journal, volume: string): Promise<void> {
  const format = `{{index .Labels "${labelKeys.migration}"}}`;
  if ((await docker(plan.host, ["volume", "inspect", `--format=${format}`, volume])) === id) return;
  const { stdout } = await runHelper(plan, {
    mounts: [mountOption({ kind: "volume", name: volume }, "/to", { readOnly: true })],
    script: "find /to -mindepth 1 -maxdepth 1 | head -n 1",
    access: "read",
  });
  if (stdout === "") return;
  throw new UserError("migration-changed", `The volume ${volume} has been filled since, and is not written over.`);
}
