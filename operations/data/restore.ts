import { labelKeys, snapshotContainerName, type VolumeKey, volumeName } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { docker } from "../../host/docker.ts";
import { type Guard, guarded } from "../../host/guard.ts";
import type { Progress, Report } from "../../setup/index.ts";
import { dataPath, findHelper, Helper, removeHelper } from "./helper.ts";
import { findCutOff, nextSteps, type RestoreOperation, shortId } from "./recover.ts";
import { explainRestic, type Outcome, openRepository, restic, type Snapshot, summaryOf } from "./restic.ts";
import type { SnapshotStore } from "./store.ts";
import { takeSnapshot } from "./take.ts";
import { existingVolumes, runningUsers, volumeUsers } from "./volume-users.ts";

/** What a restore would do. */
export interface RestorePlan {
  snapshot: Snapshot;
  /** Volumes whose content is replaced. */
  volumes: VolumeKey[];
  /** Containers that are stopped for it, and started after. */
  stopped: string[];
  /** A restore of the same volumes that was not finished. */
  cutOff?: RestoreOperation;
}

/**
 * Looks at what a restore would do; changes nothing.
 * @param volumes those to restore
 */
export async function planRestore(
  store: SnapshotStore,
  snapshot: Snapshot,
  volumes: VolumeKey[],
): Promise<RestorePlan> {
  const cutOff = await findCutOff(store);
  if (cutOff !== undefined && cutOff.volumes.join() !== volumes.join()) {
    throw new UserError(
      "restore-unfinished",
      `Another restore was not finished, and comes first. Nothing was touched.\n${nextSteps(store, cutOff)}`,
    );
  }
  const stopped = new Set([...runningUsers(await volumeUsers(store), volumes), ...(cutOff?.stopped ?? [])]);
  return { snapshot, volumes, stopped: [...stopped], ...(cutOff === undefined ? {} : { cutOff }) };
}

/**
 * Replaces the content of volumes by a snapshot's, exactly: what is not in it is gone. The present content is snapshotted
 * first, and its ID returned; undefined where there was none.
 * @throws UserError with the state the data is in, and the command that gets further
 */
export async function restoreSnapshot(
  store: SnapshotStore,
  { snapshot, volumes, stopped, cutOff }: RestorePlan,
  progress: Progress,
): Promise<string | undefined> {
  const start = stopped.length === 0 ? [] : [["start", ...stopped]];
  return guarded(store.host, async (guard) => {
    if (cutOff === undefined) await guard.plan(start);
    if (stopped.length > 0) {
      await progress.step(`Stop ${stopped.join(", ")}`, "nothing may use the data while it is replaced", () =>
        docker(store.host, ["stop", ...stopped]),
      );
    }
    if (guard.signal.aborted) throw new UserError("cancelled", untouched);
    const before = cutOff === undefined ? await snapshotPresent(store, progress) : cutOff.before;
    const operation: RestoreOperation = {
      kind: "restore",
      snapshot: snapshot.id,
      volumes,
      ...(before === undefined ? {} : { before }),
      stopped,
    };
    await progress.step(`Restore snapshot ${shortId(snapshot.id)}`, volumes.join(", "), (report) =>
      replaceContent(store, operation, guard, report),
    );
    if (stopped.length > 0) await docker(store.host, ["start", ...stopped]);
    return before;
  });
}

const untouched = "Nothing was restored, and what was stopped runs again.";

async function snapshotPresent(store: SnapshotStore, progress: Progress): Promise<string | undefined> {
  if ((await existingVolumes(store)).length === 0) return undefined;
  try {
    return (await takeSnapshot(store, { why: "before restore", progress })).id;
  } catch (error) {
    throw error instanceof UserError ? new UserError(error.code, `${error.message}\n${untouched}`) : error;
  }
}

/** Once the first file is written there is a way on and a way back, but no starting of containers in between. */
async function replaceContent(
  store: SnapshotStore,
  operation: RestoreOperation,
  guard: Guard,
  report: Report,
): Promise<void> {
  await createMissing(store, operation.volumes);
  const helper = await takeOver(store, operation, guard);
  await helper.start();
  const opened = await openRepository(helper);
  const outcome = opened.exitCode === 0 ? await writeFiles(helper, operation, report) : opened;
  if (outcome.exitCode !== 0 || summaryOf(outcome) === undefined) {
    const what = `The restore of snapshot ${shortId(operation.snapshot)} failed.`;
    throw new UserError(
      "restore-unfinished",
      `${explainRestic(store, what, outcome).message}\n${nextSteps(store, operation)}`,
    );
  }
  await guard.plan([
    ["rm", "--force", helper.id],
    ...(operation.stopped.length === 0 ? [] : [["start", ...operation.stopped]]),
  ]);
}

/** The helper that restores. Ended too early it stays, as the record of what is to be done; that of an earlier one goes. */
async function takeOver(store: SnapshotStore, operation: RestoreOperation, guard: Guard): Promise<Helper> {
  const { host, factory } = store;
  const args = { operation, volumes: operation.volumes, access: "write" } as const;
  const earlier = await findHelper(store);
  if (earlier !== undefined) {
    const aside = `${snapshotContainerName(factory)}-unfinished`;
    await guard.plan([["rename", aside, snapshotContainerName(factory)]]);
    await docker(host, ["rename", earlier.id, aside]);
  }
  const helper = await Helper.create(store, args, guard);
  await guard.plan([["kill", helper.id]]);
  if (earlier !== undefined) await removeHelper(store, earlier.id);
  return helper;
}

async function createMissing(store: SnapshotStore, wanted: VolumeKey[]): Promise<void> {
  const existing = await existingVolumes(store);
  for (const key of wanted.filter((volume) => !existing.includes(volume))) {
    const label = `${labelKeys.factory}=${store.factory}`;
    await docker(store.host, ["volume", "create", "--label", label, volumeName(store.factory, key)]);
  }
}

async function writeFiles(helper: Helper, operation: RestoreOperation, report: Report): Promise<Outcome> {
  const paths = operation.volumes.flatMap((volume) => ["--include", `${dataPath}/${volume}`]);
  const attempt = () =>
    restic(helper, ["restore", operation.snapshot, "--target", "/", ...paths, "--delete", "--verify"], (message) => {
      if (message.message_type === "status") report.now(`${Math.floor(Number(message.percent_done) * 100)} %`);
    });
  const outcome = await attempt();
  // Restic does not replace a directory with files in it by something else.
  const inTheWay = outcome.errors.flatMap(({ text, item }) =>
    /^RemoveNode: .*directory not empty$/.test(text) && item !== undefined ? [item] : [],
  );
  if (inTheWay.length === 0) return outcome;
  await helper.run(["xargs", "-0", "rm", "-rf", "--"], { input: inTheWay.join("\0") });
  return attempt();
}
