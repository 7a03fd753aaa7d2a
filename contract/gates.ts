/** The gates, each with what it is told: `node gates/main.ts <name>` checks it during an `up`, and fails where it must not go on. */
export const gates = {
  volumes: ["factory", "stack", "image", "reference", "id"],
  hook: ["factory", "stack", "when", "command", "images"],
  canary: ["stack", "spec"],
  snapshot: ["factory", "stack", "hired", "images", "repository", "password", "keep"],
  drain: ["factory", "stack", "component", "timeout", "ontimeout", "command"],
  finish: ["factory", "stack", "component", "container", "pids", "run"],
  release: ["factory", "stack", "hired", "images"],
} as const satisfies Record<string, readonly string[]>;
export type GateName = keyof typeof gates;
export type GateParameters<Gate extends GateName, Value = string> = Record<(typeof gates)[Gate][number], Value>;

/** Name of the environment variable in which a gate finds a parameter. */
export function gateVariable(parameter: string): string {
  return `GATE_${parameter.toUpperCase()}`;
}

/** In the environment of a rehearsal: what runs is not in the state, and the images have to be fit to take its place. */
export const rehearsalVariable = "FACTORY_REHEARSAL";
