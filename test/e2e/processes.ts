import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { TestFactory } from "./harness.ts";

/**
 * Starts `./factory up`, and does something as soon as it has printed `moment`. Returns how it ended.
 * @throws Error where it never printed that
 */
export function upUntil(
  factory: TestFactory,
  moment: RegExp,
  then: (group: number) => unknown,
  env: Record<string, string> = {},
) {
  return runUntil(factory, ["up", "--yes"], moment, then, env);
}

/** The same with another verb. */
export async function runUntil(
  factory: TestFactory,
  [verb, ...args]: [verb: string, ...args: string[]],
  moment: RegExp,
  then: (group: number) => unknown,
  env: Record<string, string> = {},
) {
  const running = factory.start(verb, args, env);
  let output = "";
  let done: unknown;
  running.all.on("data", (chunk: Uint8Array) => {
    output += chunk;
    if (moment.test(output)) done ??= then(running.pid as number) ?? true;
  });
  const ended = await running;
  if (done === undefined) throw new Error(`${verb} never printed ${moment}:\n${output}`);
  await done;
  return ended;
}

/** `kill -9` for all that a command of the factory has started; pulumi's plugins are in no group of its, and would live on. */
export function killAll(factory: TestFactory, group: number): void {
  process.kill(-group, "SIGKILL");
  killProcesses(({ cwd }) => cwd === factory.directory);
}

/** Command lines of the processes that run in a factory's directory. */
export function processesIn({ directory }: TestFactory): string[] {
  return readProcesses()
    .filter(({ cwd }) => cwd === directory)
    .map(({ commandLine }) => commandLine);
}

interface Process {
  pid: number;
  cwd: string;
  commandLine: string;
}

/** Kills the processes of this machine that are `wanted`. */
export function killProcesses(wanted: (process: Process) => boolean): void {
  for (const { pid } of readProcesses().filter(wanted)) process.kill(pid, "SIGKILL");
}

/** The processes of this machine, but for those that end meanwhile. */
function readProcesses(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const cwd = readlinkSync(`/proc/${name}/cwd`);
      const commandLine = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(name), cwd, commandLine }];
    } catch {
      return [];
    }
  });
}
