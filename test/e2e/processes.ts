import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { TestFactory } from "./harness.ts";

/**
 * Starts `./factory up`, and does something as soon as it has printed `moment`. Returns how it ended.
 * @throws Error where it never printed that
 */
export async function upUntil(factory: TestFactory, moment: RegExp, then: (group: number) => unknown) {
  const up = factory.start("up", ["--yes"]);
  let output = "";
  let done: unknown;
  up.all.on("data", (chunk: Uint8Array) => {
    output += chunk;
    if (moment.test(output)) done ??= then(up.pid as number) ?? true;
  });
  const ended = await up;
  if (done === undefined) throw new Error(`up never printed ${moment}:\n${output}`);
  await done;
  return ended;
}

/** `kill -9` for all that a command of the factory has started; pulumi's plugins are in no group of its, and would live on. */
export function killAll(factory: TestFactory, group: number): void {
  process.kill(-group, "SIGKILL");
  killProcesses(({ cwd }) => cwd === factory.directory);
}

interface Process {
  cwd: string;
  commandLine: string;
}

/** Kills the processes of this machine that are `wanted`. */
export function killProcesses(wanted: (process: Process) => boolean): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const found = readProcess(pid);
    if (found !== undefined && wanted(found)) process.kill(Number(pid), "SIGKILL");
  }
}

/** undefined where it has ended by now. */
function readProcess(pid: string): Process | undefined {
  try {
    return {
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      commandLine: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "),
    };
  } catch {
    return undefined;
  }
}
