import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Paths } from "./paths.ts";
import type { Report } from "./progress.ts";

const staleMs = 15_000;
const pollMs = 300;

/**
 * Runs `work` while holding the lock `name` in `.factory/locks`. Another holder is waited for, and the report says so.
 * The lock of a killed process is taken over after 15 s.
 */
export async function withLock<T>(paths: Paths, name: string, report: Report, work: () => Promise<T>): Promise<T> {
  mkdirSync(paths.locks, { recursive: true, mode: 0o700 });
  const release = await acquire(join(paths.locks, name), report);
  try {
    return await work();
  } finally {
    await release().catch(() => undefined);
  }
}

async function acquire(file: string, report: Report): Promise<() => Promise<void>> {
  const { lock } = await import("proper-lockfile");
  for (let waited = false; ; waited = true) {
    try {
      // A lock lost while the machine slept is no reason to stop: what is written becomes visible by a rename only.
      return await lock(file, { realpath: false, stale: staleMs, onCompromised: () => undefined });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      if (!waited) report.line("another command is at work here, or was killed a moment ago: waiting for it");
      await sleep(pollMs);
    }
  }
}
