import { imageNames } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { docker } from "../../host/docker.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { createProgress } from "../../setup/index.ts";
import { findHelper } from "../data/helper.ts";
import { readSnapshots, type Snapshot } from "../data/restic.ts";
import { planRestore, type RestorePlan, restoreSnapshot } from "../data/restore.ts";
import { openStore, type SnapshotStore } from "../data/store.ts";
import { formatSnapshots } from "../data/text.ts";
import { describeVersion, type Release } from "../versions/versions.ts";

/** The data a release had when it was left, and how to bring it back. */
export interface DataPlan {
  store: SnapshotStore;
  plan: RestorePlan;
}

/**
 * Finds the snapshot of a release: the newest that was taken while it ran.
 * @throws UserError where there is none
 */
export async function planDataOf(workspace: Workspace, release: Release): Promise<DataPlan> {
  const store = await openStore(workspace);
  const snapshots = await readSnapshots(store);
  const snapshot = snapshots.find((candidate) => isOf(candidate, release));
  if (snapshot === undefined) {
    throw new UserError(
      "snapshot-unknown",
      `No snapshot was taken while ${describeVersion(release)} ran. Nothing was changed.\n${formatSnapshots(store, snapshots)}\n` +
        `With the data of now: ${factoryCommand} rollback --stack ${store.stack} --keep-data`,
    );
  }
  return { store, plan: await planRestore(store, snapshot, snapshot.volumes) };
}

function isOf(snapshot: Snapshot, { images }: Release): boolean {
  return imageNames.every((name) => {
    const [was, wanted] = [snapshot.images[name], images[name]];
    if (wanted === undefined || was === undefined) return wanted === undefined;
    return wanted.references.some(({ digest }) => digest === was.digest) || was.digest === wanted.id;
  });
}

/** Restores the data into the factory, and leaves it stopped: the image that runs now is not to see that data. */
export async function restoreInto({ store, plan }: DataPlan): Promise<void> {
  const { stopped } = plan;
  if (stopped.length > 0) await docker(store.host, ["stop", ...stopped]);
  try {
    await restoreSnapshot(store, { ...plan, stopped: [] }, createProgress());
  } catch (error) {
    // Where files were written already, nothing may run on them: the error says how to go on.
    const cutOff = (await findHelper(store))?.operation.kind === "restore";
    if (!cutOff && stopped.length > 0) await docker(store.host, ["start", ...stopped]);
    throw error;
  }
}
