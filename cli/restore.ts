import confirm from "@inquirer/confirm";
import type { Command } from "commander";
import { type VolumeKey, volumesWith } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { shortId } from "../operations/data/recover.ts";
import { readSnapshots, type Snapshot } from "../operations/data/restic.ts";
import { planRestore, restoreSnapshot } from "../operations/data/restore.ts";
import { openStore, type SnapshotStore } from "../operations/data/store.ts";
import { formatRestore, formatSnapshots } from "../operations/data/text.ts";
import { openStack } from "../pulumi/open.ts";
import { createProgress } from "../setup/index.ts";
import { type StackOptions, stackOption, yesOption } from "./options.ts";

type RestoreOptions = StackOptions & { volume?: VolumeKey[]; yes?: boolean };

export function registerRestore(program: Command): void {
  program
    .command("restore")
    .description("replace the content of the data volumes by a snapshot's")
    .argument("<snapshot>", `the first digits of its ID (${factoryCommand} snapshots lists them)`)
    .addOption(stackOption())
    .option("--volume <name...>", "only these volumes: agent-data, project-repos, ...")
    .addOption(yesOption("do not ask before changing anything"))
    .addHelpText(
      "after",
      "\nContainers that use these volumes are stopped for it, and started after. What is there now is snapshotted first; then\n" +
        "files, owners and modes are as they were in the snapshot, and nothing else is there. What was written is read again.",
    )
    .action(restore);
}

async function restore(id: string, { stack, volume, yes }: RestoreOptions): Promise<void> {
  const store = await openStore(await openStack(stack));
  const snapshot = choose(store, await readSnapshots(store), id);
  const plan = await planRestore(store, snapshot, chooseVolumes(store, snapshot, volume));
  console.log(formatRestore(store, plan));
  if (!yes && !(await confirmed(stack, id))) throw new UserError("cancelled", "Nothing was changed.");
  const before = await restoreSnapshot(store, plan, createProgress());
  console.log(`Restored snapshot ${shortId(snapshot.id)} into factory ${store.factory}: ${plan.volumes.join(", ")}.`);
  if (plan.stopped.length > 0) console.log(`  status   ${factoryCommand} status --stack ${stack}`);
  if (before !== undefined) console.log(`  to undo  ${factoryCommand} restore ${shortId(before)} --stack ${stack}`);
}

/**
 * @throws UserError where no snapshot of this factory, or more than one, begins like that
 */
function choose(store: SnapshotStore, snapshots: Snapshot[], id: string): Snapshot {
  const [found, ...others] = /^[0-9a-f]{4,64}$/.test(id) ? snapshots.filter((it) => it.id.startsWith(id)) : [];
  if (found !== undefined && others.length === 0) return found;
  const problem = found === undefined ? "No snapshot has the ID" : "More than one snapshot has an ID that begins with";
  throw new UserError("snapshot-unknown", `${problem} ${id}. ${formatSnapshots(store, snapshots)}`, 2);
}

/**
 * Those of an agent that was let go stay as they are: nothing would snapshot first what is in them.
 * @throws UserError where the snapshot has not all of those that were asked for
 */
function chooseVolumes({ hired }: SnapshotStore, snapshot: Snapshot, asked?: VolumeKey[]): VolumeKey[] {
  const offered = volumesWith(hired).filter((key) => snapshot.volumes.includes(key));
  const missing = (asked ?? []).filter((key) => !offered.includes(key));
  if (missing.length === 0) return offered.filter((key) => asked?.includes(key) ?? true);
  throw new UserError(
    "snapshot-unknown",
    `Snapshot ${shortId(snapshot.id)} has no ${missing.join(", ")}; it has ${offered.join(", ")}. Nothing was touched.`,
    2,
  );
}

async function confirmed(stack: string, id: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "nobody-to-ask",
      `Nobody to ask here. Nothing was changed: ${factoryCommand} restore ${id} --stack ${stack} --yes`,
      2,
    );
  }
  return confirm({ message: "Replace it?", default: false });
}
