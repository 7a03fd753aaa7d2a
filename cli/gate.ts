import type { Command } from "commander";
import { type GateName, type GateParameters, gates, gateVariable } from "../components/gate-parameters.ts";
import { UserError } from "./error.ts";
import { tryCanary } from "./gate-canary.ts";
import { drain } from "./gate-drain.ts";
import { finish } from "./gate-finish.ts";
import { recordRelease } from "./gate-release.ts";
import { checkVolumes } from "./gate-volumes.ts";

/** What each gate checks on a Docker host; it throws a UserError where `up` must not go on. */
const checks: { [Gate in GateName]: (host: string, parameters: GateParameters<Gate>) => Promise<void> } = {
  volumes: checkVolumes,
  canary: tryCanary,
  drain,
  finish,
  release: recordRelease,
};

/** Runs inside a running `up`: never pulumi on the same stack, nor the set-up. */
export function registerGate(program: Command): void {
  const gate = program
    .command("gate", { hidden: true })
    .description("check during `up` whether it may go on; what is checked comes in the environment");
  for (const name of Object.keys(checks) as GateName[]) {
    gate.command(name).action(() => checks[name](fromEnvironment("DOCKER_HOST"), readParameters(name)));
  }
}

function readParameters<Gate extends GateName>(gate: Gate): GateParameters<Gate> {
  const entries = gates[gate].map((parameter) => [parameter, fromEnvironment(gateVariable(parameter))]);
  return Object.fromEntries(entries);
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new UserError(`${name} is not set: gates are run by pulumi up`, 2);
  return value;
}
