import { UserError } from "../../contract/user-error.ts";
import { guarded } from "../../host/guard.ts";
import type { Progress, Report } from "../../setup/index.ts";
import { dataPath, Helper, repositoryPath } from "./helper.ts";
import { factoryTag, type SnapshotLabels, toTags } from "./labels.ts";
import { pause, unpause } from "./pause.ts";
import { recover } from "./recover.ts";
import { exitCodes, explainRestic, type Message, type Outcome, openRepository, restic, summaryOf } from "./restic.ts";
import { type Amount, fits, formatAmount, formatBytes } from "./space.ts";
import { isLocal, type SnapshotStore } from "./store.ts";
import { existingVolumes, readImages, volumeUsers, writers } from "./volume-users.ts";

export interface TakeOptions {
  /** Why it is taken: `manual`, `before v0.2.0`. */
  why: string;
  /** Snapshots of this factory that stay; older ones are removed. @default all */
  keep?: number;
  progress: Progress;
}

/** A snapshot that was just taken. */
export interface TakenSnapshot {
  /** 64 hexadecimal digits. */
  id: string;
  images: SnapshotLabels["images"];
  amount: Amount;
  /** Bytes it added to the repository. */
  added: number;
  seconds: number;
  /** Containers that were paused, and for how long. */
  paused: string[];
  pausedSeconds: number;
}

/**
 * Snapshots all data volumes of a factory; those that write to them are paused meanwhile. Needs no stack and no pulumi.
 * @throws UserError with what is wrong and the next command; then no snapshot was taken, and everything runs as it did
 */
export async function takeSnapshot(store: SnapshotStore, options: TakeOptions): Promise<TakenSnapshot> {
  const { factory, host } = store;
  return options.progress.step("Snapshot the data volumes", options.why, async (report) => {
    await recover(store, report);
    const volumes = await existingVolumes(store);
    if (volumes.length === 0)
      throw new UserError("data-volumes-missing", `Factory ${factory} has no data volumes on ${host}.`);
    return guarded(host, async (guard) => {
      const started = performance.now();
      const paused = writers(await volumeUsers(store));
      const helper = await Helper.create(
        store,
        { operation: { kind: "snapshot", paused }, volumes, access: "read" },
        guard,
      );
      await guard.plan([["rm", "--force", helper.id], ...paused.map((name) => ["unpause", name])]);
      await helper.start();
      await openOrMake(helper, report);
      const amount = await measure(helper);
      await needRoom(helper, amount, options.keep, report);
      const labels = { factory, why: options.why, images: await readImages(store), volumes };
      const { summary, seconds } = await quietly(helper, paused, report, () => backup(helper, labels, amount, report));
      if (options.keep !== undefined) await forgetOld(helper, options.keep, report);
      return {
        id: String(summary.snapshot_id),
        images: labels.images,
        amount: { files: Number(summary.total_files_processed), bytes: Number(summary.total_bytes_processed) },
        added: Number(summary.data_added_packed),
        seconds: secondsSince(started),
        paused,
        pausedSeconds: seconds,
      };
    });
  });
}

/** Opens the repository, and makes it where there is none. */
async function openOrMake(helper: Helper, report: Report): Promise<void> {
  const opened = await openRepository(helper);
  if (opened.exitCode === 0) return;
  if (opened.exitCode !== exitCodes.noRepository) throw noSnapshot(helper, opened);
  const made = await restic(helper, ["init"]);
  if (made.exitCode !== 0) throw noSnapshot(helper, made);
  report.line(
    `made a new repository at ${helper.store.repository}: without disinto:snapshotPassword nobody can read it`,
  );
}

function noSnapshot({ store }: Helper, outcome: Outcome): UserError {
  return explainRestic(store, "No snapshot was taken.", outcome);
}

async function measure(helper: Helper): Promise<Amount> {
  const count = `find ${dataPath} -type f -printf '%s\\n' | awk '{ files++; bytes += $1 } END { printf "%.0f %.0f", files, bytes }'`;
  const [files, bytes] = await numbers(helper, count);
  return { files: files ?? 0, bytes: bytes ?? 0 };
}

/**
 * Refuses a snapshot that would fill the disk of a local repository. Most fit whatever they come to; only one that may not
 * is worth the time to ask restic what it would add.
 */
async function needRoom(helper: Helper, amount: Amount, keep: number | undefined, report: Report): Promise<void> {
  report.line(`${formatAmount(amount)} to read`);
  if (!isLocal(helper.store)) return;
  const before = await freeBytes(helper);
  if (fits(amount, before)) return report.line(`${formatBytes(before)} free at ${helper.store.repository}`);
  report.line(`only ${formatBytes(before)} free: removing what is not needed, then asking what it would add`);
  if (keep !== undefined) await forgetOld(helper, keep, report);
  // What killed snapshots left belongs to none.
  await restic(helper, ["prune"]);
  const tried = await restic(helper, ["backup", dataPath, "--host", helper.store.factory, "--dry-run"]);
  const summary = summaryOf(tried);
  if (tried.exitCode !== 0 || summary === undefined) throw noSnapshot(helper, tried);
  const files = Number(summary.files_new) + Number(summary.files_changed);
  const added = { files, bytes: Number(summary.data_added_packed) };
  const free = await freeBytes(helper);
  if (fits(added, free)) return report.line(`${formatBytes(added.bytes)} to add`);
  throw new UserError(
    "snapshot-disk-full",
    `No snapshot was taken: it would add ${formatBytes(added.bytes)} to ${helper.store.repository}, where ${formatBytes(free)} are free.\n` +
      "Make room there, lower snapshots.keep, or set another snapshots.repository.",
  );
}

async function freeBytes(helper: Helper): Promise<number> {
  const [free] = await numbers(helper, `df --block-size=1 --output=avail ${repositoryPath} | tail -n 1`);
  return free ?? 0;
}

async function numbers(helper: Helper, command: string): Promise<number[]> {
  const { exitCode, stdout, stderr } = await helper.run(["sh", "-c", command]);
  if (exitCode !== 0) throw new UserError("snapshot-failed", `No snapshot was taken.\n${stderr}`);
  return stdout.trim().split(/\s+/).map(Number);
}

/** Does `work` while the containers are paused. What else has begun to write by its end makes it fail. */
async function quietly(helper: Helper, names: string[], report: Report, work: () => Promise<Message>) {
  const started = performance.now();
  try {
    await pause(helper.store, names, report);
    const summary = await work();
    const loud = writers(await volumeUsers(helper.store));
    if (loud.length > 0) {
      await discard(helper, summary);
      throw new UserError(
        "snapshot-failed",
        `No snapshot was taken: ${loud.join(", ")} was started meanwhile, and writes. Try again.`,
      );
    }
    return { summary, seconds: secondsSince(started) };
  } finally {
    await unpause(helper.store, names);
  }
}

/** Backs up, and returns restic's summary. */
async function backup(helper: Helper, labels: SnapshotLabels, amount: Amount, report: Report): Promise<Message> {
  const { factory } = labels;
  const tags = toTags(labels).flatMap((tag) => ["--tag", tag]);
  const attempt = () =>
    restic(
      helper,
      ["backup", dataPath, "--host", factory, "--retry-lock", "5m", ...tags],
      ({ message_type, percent_done }) => {
        if (message_type === "status")
          report.now(`${Math.floor(Number(percent_done) * 100)} % of ${formatBytes(amount.bytes)}`);
      },
    );
  let outcome = await attempt();
  if (outcome.exitCode === exitCodes.incomplete) {
    // The edge is not paused: one of its files may be gone before it is read.
    await discard(helper, summaryOf(outcome));
    outcome = await attempt();
    if (outcome.exitCode === exitCodes.incomplete) await discard(helper, summaryOf(outcome));
  }
  report.now("");
  const summary = summaryOf(outcome);
  if (outcome.exitCode !== 0 || summary === undefined) throw noSnapshot(helper, outcome);
  return summary;
}

/** Takes a snapshot back that is not what it should be. */
async function discard(helper: Helper, summary: Message | undefined): Promise<void> {
  const id = summary?.snapshot_id;
  if (id === undefined) return;
  const outcome = await restic(helper, ["forget", String(id), "--retry-lock", "5m"]);
  if (outcome.exitCode !== 0) {
    throw explainRestic(
      helper.store,
      `Snapshot ${id} is not whole, and cannot be removed: do not restore it.`,
      outcome,
    );
  }
}

async function forgetOld(helper: Helper, keep: number, report: Report): Promise<void> {
  const { factory } = helper.store;
  const own = ["--host", factory, "--tag", factoryTag(factory), "--group-by", "host"];
  report.now("removing old snapshots");
  const outcome = await restic(helper, [
    "forget",
    ...own,
    "--keep-last",
    String(keep),
    "--prune",
    "--retry-lock",
    "1m",
  ]);
  report.now("");
  if (outcome.exitCode !== 0) {
    report.line(`old snapshots stay until the next one: ${explainRestic(helper.store, "", outcome).message.trim()}`);
  }
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
