import Table from "cli-table3";
import { factoryCommand } from "../../lib/factory-command.ts";
import { tableStyle } from "../../lib/table.ts";
import { describeImages } from "./labels.ts";
import { shortId } from "./recover.ts";
import type { Snapshot } from "./restic.ts";
import type { RestorePlan } from "./restore.ts";
import { formatAmount, formatBytes } from "./space.ts";
import type { SnapshotStore } from "./store.ts";
import type { TakenSnapshot } from "./take.ts";

/** What came of a snapshot. */
export function formatTaken({ stack, factory }: SnapshotStore, taken: TakenSnapshot): string {
  const { id, images, amount, added, seconds, paused, pausedSeconds } = taken;
  const rest = paused.length === 0 ? "" : `; ${paused.join(", ")} paused for ${pausedSeconds.toFixed(1)} s`;
  return [
    `Snapshot ${shortId(id)} of factory ${factory} (${describeImages(images)}): ${formatAmount(amount)}, ` +
      `${formatBytes(added)} added in ${seconds.toFixed(1)} s${rest}.`,
    `  to go back  ${factoryCommand} restore ${shortId(id)} --stack ${stack}`,
  ].join("\n");
}

/** A factory's snapshots, the newest first. */
export function formatSnapshots({ stack, factory, repository }: SnapshotStore, snapshots: Snapshot[]): string {
  if (snapshots.length === 0) {
    return `There is no snapshot of factory ${factory} in ${repository}: ${factoryCommand} snapshot --stack ${stack} takes one.`;
  }
  const table = new Table({ head: ["snapshot", "time", "release", "why", "data", "added"], style: tableStyle() });
  for (const { id, time, images, why, files, bytes, added } of snapshots) {
    table.push([shortId(id), time, describeImages(images), why, formatAmount({ files, bytes }), formatBytes(added)]);
  }
  return `Snapshots of factory ${factory} in ${repository}:\n${table}`;
}

/** What a restore would do. */
export function formatRestore({ factory }: SnapshotStore, plan: RestorePlan): string {
  const { snapshot, volumes, stopped, cutOff } = plan;
  const { id, time, images, why } = snapshot;
  return [
    `Snapshot ${shortId(id)} of ${time} (${describeImages(images)}, ${why}) replaces what is in these volumes of factory ${factory}:`,
    `  ${volumes.join(", ")}`,
    cutOff === undefined
      ? "What is there now is snapshotted first."
      : "A restore of them was not finished; what was there before that is in a snapshot already.",
    ...(stopped.length === 0 ? [] : [`Stopped for it, and started after: ${stopped.join(", ")}`]),
  ].join("\n");
}
