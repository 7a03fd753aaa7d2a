/**
 * `node cli/gate.ts <gate>`: checks during an `up` whether it may go on; what is checked comes in the environment. It runs inside
 * pulumi: never pulumi on the same stack here, nor the set-up.
 */

import { type GateName, type GateParameters, gates, gateVariable } from "../components/gate-parameters.ts";
import { errorLine } from "../config/error-codes.ts";
import { codeOf, UserError } from "./error.ts";

/** What a gate checks on a Docker host; it throws a UserError where `up` must not go on. */
type Check<Gate extends GateName> = (host: string, parameters: GateParameters<Gate>) => Promise<void>;

/** Each gate loads what it needs: an `up` runs a dozen of them. */
const checks: { [Gate in GateName]: () => Promise<Check<Gate>> } = {
  volumes: async () => (await import("./gate-volumes.ts")).checkVolumes,
  hook: async () => (await import("./gate-hook.ts")).runHook,
  canary: async () => (await import("./gate-canary.ts")).tryCanary,
  snapshot: async () => (await import("./gate-snapshot.ts")).snapshotBefore,
  drain: async () => (await import("./gate-drain.ts")).drain,
  finish: async () => (await import("./gate-finish.ts")).finish,
  release: async () => (await import("./gate-release.ts")).recordRelease,
};

try {
  await check(process.argv[2] as GateName);
} catch (error) {
  console.error(error instanceof UserError ? error.message : error);
  console.error(errorLine(codeOf(error)));
  process.exitCode = 1;
}

async function check<Gate extends GateName>(gate: Gate): Promise<void> {
  const run = await checks[gate]();
  return run(fromEnvironment("DOCKER_HOST"), readParameters(gate));
}

function readParameters<Gate extends GateName>(gate: Gate): GateParameters<Gate> {
  const entries = gates[gate].map((parameter) => [parameter, fromEnvironment(gateVariable(parameter))]);
  return Object.fromEntries(entries) as GateParameters<Gate>;
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new UserError("usage", `${name} is not set: gates are run by pulumi up`, 2);
  return value;
}
