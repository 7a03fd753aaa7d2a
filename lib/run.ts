import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";

export interface RunOptions {
  cwd?: string;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Milliseconds until the program is ended; the outcome then has `timedOut`. */
  timeout?: number;
  /** Milliseconds within which a first line must come; ended as with `timeout`. */
  firstLineTimeout?: number;
  /** Called with every line of both outputs. */
  onLine?: (line: string) => void;
}

export interface Outcome {
  ok: boolean;
  /** Both without the final newline. */
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** False when there is no such program. */
  found: boolean;
}

/** Runs a program without a shell and without input; never throws. It ends with this process, and so do its children. */
export async function run(program: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const { env = process.env, firstLineTimeout, onLine, ...limits } = options;
  const silence = new AbortController();
  const timer = firstLineTimeout && setTimeout(() => silence.abort(), firstLineTimeout);
  function* eachLine(line: unknown) {
    clearTimeout(timer);
    onLine?.(String(line));
    yield line;
  }
  const result = await execa(program, args, {
    ...limits,
    env,
    extendEnv: false,
    stdin: "ignore",
    stdout: eachLine,
    stderr: eachLine,
    cancelSignal: silence.signal,
    // A program that is a shell script leaves its children with the outputs, which would then be waited for.
    killDescendants: true,
    reject: false,
  });
  clearTimeout(timer);
  return {
    ok: !result.failed,
    stdout: result.stdout,
    stderr: result.stderr || (result.originalMessage ?? ""),
    timedOut: result.timedOut || result.isCanceled,
    found: result.code !== "ENOENT",
  };
}

/** The last lines of what a program said, for an error message. */
export function lastLines(outcome: Outcome, count = 8): string {
  return (outcome.stderr || outcome.stdout).split("\n").slice(-count).join("\n");
}

/** The first executable file `name` on `path`, passing over directories for which `skip` says true. */
export function findOnPath(name: string, path: string | undefined, skip = (_: string) => false): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "" && !skip(directory))
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
