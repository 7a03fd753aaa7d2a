import { readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { UserError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { cancelUpdate } from "./run.ts";
import type { Workspace } from "./workspace.ts";

/** Who works on a stack of a file backend, as Pulumi writes it down (pulumi/pulumi, pkg/backend/diy/lock.go). */
interface Lock {
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/**
 * Takes away the lock of a pulumi that was killed on this machine. Other backends than a directory know by themselves, or say
 * so when they are asked.
 * @returns whether there was one
 * @throws UserError with who holds the lock, where somebody does
 */
export async function releaseStaleLock(workspace: Workspace): Promise<boolean> {
  const locks = readLocks(workspace);
  const held = locks.find((lock) => !isStale(lock));
  if (held !== undefined) throw new UserError("stack-locked", explain(workspace.stack, held));
  if (locks.length === 0) return false;
  await cancelUpdate(workspace);
  console.log(`The last pulumi on stack ${workspace.stack} was killed; its lock is taken away.`);
  return true;
}

function readLocks({ env, stack }: Workspace): Lock[] {
  const { PULUMI_BACKEND_URL: backend = "" } = env;
  if (!backend.startsWith("file://")) return [];
  const locks = join(new URL(backend).pathname, ".pulumi/locks");
  return filesBelow(locks)
    .filter((file) => file.split("/").at(-2) === stack && file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as Lock);
}

function filesBelow(directory: string): string[] {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return [];
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name));
}

/** A lock of another machine, or of another user's process, counts as held. */
function isStale(lock: Lock): boolean {
  if (lock.hostname !== hostname()) return false;
  try {
    process.kill(lock.pid, 0);
    return !isPulumi(lock.pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Process numbers are used again; where nobody can tell whose it is, it counts as Pulumi's. */
function isPulumi(pid: number): boolean {
  try {
    const [program = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return program === "" ? false : program.split("/").at(-1) === "pulumi";
  } catch {
    return true;
  }
}

function explain(stack: string, { pid, username, hostname: host, timestamp }: Lock): string {
  const since = timestamp.replace(/\.\d+/, "");
  return (
    `Stack ${stack} is being worked on by ${username}@${host} (process ${pid}) since ${since}. Nothing was touched.\n` +
    `Wait until that is done, then try again. If it hangs: kill ${pid} there, then ${factoryCommand} up --stack ${stack}`
  );
}
