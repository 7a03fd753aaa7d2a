import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, UserError } from "../contract/user-error.ts";

/** Runs the last line it was given once its input ends, which it does with the process that holds the other end. */
const script = `
plan=:
while IFS= read -r line; do plan=$line; done
tries=0
until docker version >/dev/null 2>&1 || [ "$tries" -ge 60 ]; do tries=$((tries + 1)); sleep 5; done
eval "$plan"
`;

/** How an operation is brought to an end. */
export interface Guard {
  /** Aborted by Ctrl-C, SIGTERM, or a terminal that goes. */
  signal: AbortSignal;
  /** From now on these docker commands, of names and IDs alone, end the operation, instead of those before. */
  plan(commands: string[][]): Promise<void>;
}

/**
 * Does `work`, and then what it last planned, however it ends: also when this process is killed, as it is another one, in a
 * session of its own, that does it.
 */
export async function guarded<T>(host: string, work: (guard: Guard) => Promise<T>): Promise<T> {
  const watcher = spawn("sh", ["-c", script], {
    env: { ...process.env, DOCKER_HOST: host },
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  const ended = once(watcher, "exit");
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  for (const signal of signals) process.on(signal, interrupt);
  let planned = "";
  const plan = (commands: string[][]) =>
    new Promise<void>((resolve, reject) => {
      planned = commands.map((command) => ["docker", ...command].join(" ")).join("; ");
      watcher.stdin.write(`${planned}\n`, (error) => (error ? reject(error) : resolve()));
    });
  try {
    return await work({ signal: controller.signal, plan });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    // Half a restore has more to be done than to be typed again.
    const code = codeOf(error) === "restore-unfinished" ? "restore-unfinished" : "cancelled";
    throw new UserError(code, `Interrupted. ${(error as Error).message}`);
  } finally {
    watcher.stdin.end();
    const done = await Promise.race([ended, sleep(patienceMs, undefined, { ref: false })]);
    watcher.unref();
    if (done === undefined) console.error(`Docker does not answer; as soon as it does (5 minutes): ${planned}`);
    for (const signal of signals) process.off(signal, interrupt);
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Milliseconds until the end is left to the other process alone. */
const patienceMs = 30_000;
