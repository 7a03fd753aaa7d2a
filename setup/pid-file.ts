import { readFileSync, rmSync } from "node:fs";

/**
 * Removes a pid file whose program no longer runs: a daemon that was killed leaves it behind, and refuses to start while any
 * process has that number, be it another program or what init has not reaped yet.
 * @returns whether there was such a file
 */
export function removeStalePidFile(file: string, program: string): boolean {
  const pid = read(file)?.trim();
  if (pid === undefined || runs(pid, program)) return false;
  rmSync(file, { force: true });
  return true;
}

// `<pid> (<program>) <state> ...`, see proc(5); the state of a zombie is Z.
function runs(pid: string, program: string): boolean {
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(read(`/proc/${pid}/stat`) ?? "") ?? [];
  return name === program && state !== "Z";
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
