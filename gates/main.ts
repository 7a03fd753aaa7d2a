/**
 * `node gates/main.ts <gate>`: checks during an `up` whether it may go on; what is checked comes in the environment. It runs inside
 * pulumi: never pulumi on the same stack here, nor the set-up.
 */

import { errorLine } from "../contract/error-codes.ts";
import { type GateName, type GateParameters, gates, gateVariable } from "../contract/gates.ts";
import { codeOf, UserError } from "../contract/user-error.ts";

/** What a gate checks on a Docker host; it throws a UserError where `up` must not go on. */
type Check<Gate extends GateName> = (host: string, parameters: GateParameters<Gate>) => Promise<void>;

/** Each gate loads what it needs: an `up` runs a dozen of them. */
const checks: { [Gate in GateName]: () => Promise<Check<Gate>> } = {
  volumes: async () => (await import("./volumes.ts")).checkVolumes,
  hook: async () => (await import("./hook.ts")).runHook,
  canary: async () => (await import("./canary.ts")).tryCanary,
  snapshot: async () => (await import("./snapshot.ts")).snapshotBefore,
  drain: async () => (await import("./drain.ts")).drain,
  finish: async () => (await import("./finish.ts")).finish,
  release: async () => (await import("./release.ts")).recordRelease,
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
