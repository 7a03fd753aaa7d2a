import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
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
export async function killAll(factory: TestFactory, group: number): Promise<void> {
  await killGroup(group);
  await killProcesses(({ cwd }) => cwd === factory.directory);
}

/** `kill -9` for a process group, at once. */
export async function killGroup(group: number): Promise<void> {
  kill(-group);
  await killProcesses((process) => process.group === group);
}

/** Command lines of the processes that run in a factory's directory. */
export function processesIn({ directory }: TestFactory): string[] {
  return readProcesses()
    .filter(({ cwd }) => cwd === directory)
    .map(({ commandLine }) => commandLine);
}

interface Process {
  pid: number;
  parent: number;
  /** Its process group. */
  group: number;
  cwd: string;
  commandLine: string;
}

/** Kills the processes of this machine that are `wanted`, and waits until none runs: one that waits for the disk ends after that. */
export async function killProcesses(wanted: (process: Process) => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (let left = readProcesses().filter(wanted); left.length > 0; left = readProcesses().filter(wanted)) {
    if (Date.now() > deadline) throw new Error(`killed, and still there: ${JSON.stringify(left)}`);
    for (const { pid } of left) kill(pid);
    await sleep(20);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The processes of this machine, but for those that have ended. */
export function readProcesses(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const cwd = readlinkSync(`/proc/${name}/cwd`);
      const commandLine = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      // `<pid> (<program>) <state> <parent> <group> ...`, see proc(5).
      const [, parent, group] = /^\d+ \(.*\) \S (\d+) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
      return [{ pid: Number(name), parent: Number(parent), group: Number(group), cwd, commandLine }];
    } catch {
      return [];
    }
  });
}
