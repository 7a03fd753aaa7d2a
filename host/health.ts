import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../contract/user-error.ts";
import { ask, inspect } from "./docker.ts";

/** A health check as Docker keeps it; times in nanoseconds, 0 or absent for Docker's default. */
interface Healthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  Retries?: number;
}

/** The part of a container's state that tells whether it works. */
export interface WorkingState {
  Running: boolean;
  Health?: { Status: string };
}

/** Whether a container runs, and is healthy where it has a health check. */
export function works({ Running, Health }: WorkingState): boolean {
  return Running && (Health === undefined || Health.Status === "healthy");
}

interface Watched {
  Id: string;
  RestartCount: number;
  State: {
    Status: string;
    ExitCode: number;
    OOMKilled: boolean;
    StartedAt: string;
    Health?: { Status: string; Log: { Output: string }[] | null };
  };
  Config: { Healthcheck?: Healthcheck };
}

/** Seconds by which Docker may be late to call a container unhealthy. */
const late = 5;

/** Seconds a container without a health check has to run. */
const settledAfter = 3;

/**
 * Waits until a container is healthy, in the time its own health check implies; a container that exits, restarts or becomes
 * unhealthy ends the wait at once.
 * @throws UserError with what it did instead, and its last log lines
 */
export async function waitUntilHealthy(host: string, name: string): Promise<void> {
  for (;;) {
    const container = await watched(host, name);
    const running = secondsSince(container.State.StartedAt);
    const { Health: health } = container.State;
    const stopped = whyStopped(container);
    if (stopped !== undefined) throw await failure(host, name, stopped);
    if (health === undefined && running >= settledAfter) return;
    if (health?.Status === "healthy") return;
    if (health?.Status === "unhealthy") throw await failure(host, name, `is unhealthy: ${lastOutput(container)}`);
    const within = healthyWithin(container.Config.Healthcheck);
    if (health !== undefined && running > within + late) {
      throw await failure(host, name, `is not healthy after ${within} s: ${lastOutput(container)}`);
    }
    await sleep(500);
  }
}

/**
 * Watches containers for some seconds: each has to stay healthy, and the container that it is.
 * @throws UserError with what one of them did instead, and its last log lines
 */
export async function watchFor(host: string, names: string[], seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    for (const name of names) {
      const container = await watched(host, name);
      const stopped = whyStopped(container);
      if (stopped !== undefined) throw await failure(host, name, `was healthy, then ${stopped}`);
      if (container.State.Health?.Status === "unhealthy") {
        throw await failure(host, name, `was healthy, then became unhealthy: ${lastOutput(container)}`);
      }
    }
    await sleep(500);
  }
}

/** Seconds in which a container becomes healthy or unhealthy, with Docker's defaults where the check has none. */
function healthyWithin({ Interval, Timeout, StartPeriod, Retries }: Healthcheck = {}): number {
  const seconds = (nanoseconds: number | undefined, byDefault: number) => (nanoseconds || byDefault * 1e9) / 1e9;
  return Math.ceil((StartPeriod ?? 0) / 1e9 + (Retries || 3) * (seconds(Interval, 30) + seconds(Timeout, 30)));
}

async function watched(host: string, name: string): Promise<Watched> {
  const [container] = await inspect<Watched>(host, "container", [name]);
  if (container === undefined) throw new UserError("gone-meanwhile", `${name} is gone: somebody removed it.`);
  return container;
}

/** What a container that should run did; undefined while it runs. */
function whyStopped({ State, RestartCount }: Watched): string | undefined {
  const memory = State.OOMKilled ? ", out of memory" : "";
  if (State.Status === "exited" || State.Status === "dead") return `exited with code ${State.ExitCode}${memory}`;
  if (State.Status === "restarting" || RestartCount > 0) return `keeps exiting, with code ${State.ExitCode}${memory}`;
  return undefined;
}

function secondsSince(time: string): number {
  return time.startsWith("0001") ? 0 : (Date.now() - Date.parse(time)) / 1000;
}

function lastOutput({ State }: Watched): string {
  return State.Health?.Log?.at(-1)?.Output.trim() || "its health check says nothing";
}

async function failure(host: string, name: string, what: string): Promise<UserError> {
  const { output: log } = await ask(host, ["logs", "--tail=20", name], 20);
  return new UserError(
    "unhealthy",
    `${name} ${what}\n${log === "" ? "It printed nothing." : `Its last lines:\n${indented(log)}`}`,
  );
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
