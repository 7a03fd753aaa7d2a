import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Paths, pathsOf } from "../../lib/paths.ts";
import type { Progress } from "../../lib/progress.ts";

/** The paths of an empty project in a temporary directory that goes when the test ends. */
export function temporaryProject(): Paths {
  const root = mkdtempSync(join(tmpdir(), "setup-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return pathsOf(root);
}

/** Progress that remembers what was shown. */
export function recordedProgress(): { progress: Progress; lines: string[] } {
  const lines: string[] = [];
  const progress: Progress = {
    ready: (what, detail) => lines.push(`ready ${what}: ${detail}`),
    step: (what, why, work) => {
      lines.push(`step ${what} (${why})`);
      return work({ line: (text) => lines.push(text), now: () => undefined });
    },
  };
  return { progress, lines };
}

/** Writes a file with its directories; `mode` makes it a program. */
export function write(file: string, content: string, mode = 0o644): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}
