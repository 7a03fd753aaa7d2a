import type { VolumeKey } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import type { Report } from "../../setup/index.ts";
import { busy, findHelper, type Operation, removeHelper } from "./helper.ts";
import { unpause } from "./pause.ts";
import type { SnapshotStore } from "./store.ts";

/** A restore as its helper's label has it. */
export type RestoreOperation = Extract<Operation, { kind: "restore" }>;

/**
 * Puts right what a killed snapshot left behind: its container, and others that it paused.
 * @throws UserError where another operation is at work, or a restore was not finished
 */
export async function recover(store: SnapshotStore, report: Report): Promise<void> {
  const cutOff = await findCutOff(store, report);
  if (cutOff === undefined) return;
  throw new UserError(
    "restore-unfinished",
    `A restore into factory ${store.factory} was not finished. Nothing was touched.\n${nextSteps(store, cutOff)}`,
  );
}

/** The same, but answers a restore that was not finished. */
export async function findCutOff(store: SnapshotStore, report?: Report): Promise<RestoreOperation | undefined> {
  const found = await findHelper(store);
  if (found === undefined) return undefined;
  if (found.running) throw busy(store);
  const { operation } = found;
  if (operation.kind === "restore") return operation;
  report?.line("a snapshot was killed before: removing its container, and unpausing what it paused");
  await unpause(store, operation.paused);
  await removeHelper(store, found.id);
  return undefined;
}

/** What the data is, and the commands that get it out of there. */
export function nextSteps({ stack }: SnapshotStore, { snapshot, volumes, before, stopped }: RestoreOperation): string {
  const command = (id: string) => `${factoryCommand} restore ${shortId(id)} --stack ${stack}${volumeOptions(volumes)}`;
  return [
    `${volumes.join(", ")}: partly snapshot ${shortId(snapshot)}, partly what was there before. Other volumes are as they were.`,
    ...(stopped.length === 0 ? [] : [`Stopped, and not started on that: ${stopped.join(", ")}`]),
    `  to go on    ${command(snapshot)}`,
    ...(before === undefined ? [] : [`  to go back  ${command(before)}`]),
  ].join("\n");
}

function volumeOptions(volumes: VolumeKey[]): string {
  return volumes.map((volume) => ` --volume ${volume}`).join("");
}

export function shortId(id: string): string {
  return id.slice(0, 8);
}
