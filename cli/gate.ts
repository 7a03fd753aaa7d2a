/**
 * `node cli/gate.ts <gate>`: checks during an `up` whether it may go on; what is checked comes in the environment. It runs inside
 * pulumi: never pulumi on the same stack here, nor the set-up.
 */

import { type GateName, type GateParameters, gates, gateVariable } from "../components/gate-parameters.ts";
import { errorLine } from "../config/error-codes.ts";
import { codeOf, UserError } from "./error.ts";
import { tryCanary } from "./gate-canary.ts";
import { drain } from "./gate-drain.ts";
import { finish } from "./gate-finish.ts";
import { runHook } from "./gate-hook.ts";
import { recordRelease } from "./gate-release.ts";
import { snapshotBefore } from "./gate-snapshot.ts";
import { checkVolumes } from "./gate-volumes.ts";

/** What each gate checks on a Docker host; it throws a UserError where `up` must not go on. */
const checks: { [Gate in GateName]: (host: string, parameters: GateParameters<Gate>) => Promise<void> } = {
  volumes: checkVolumes,
  hook: runHook,
  canary: tryCanary,
  snapshot: snapshotBefore,
  drain,
  finish,
  release: recordRelease,
};

try {
  await check(process.argv[2] as GateName);
} catch (error) {
  console.error(error instanceof UserError ? error.message : error);
  console.error(errorLine(codeOf(error)));
  process.exitCode = 1;
}

function check<Gate extends GateName>(gate: Gate): Promise<void> {
  return checks[gate](fromEnvironment("DOCKER_HOST"), readParameters(gate));
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
