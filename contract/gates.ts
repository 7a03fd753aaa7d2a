import type { ComponentName, ImageName } from "./names.ts";

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

/** A health check as the config declares it; times in seconds. */
export interface HealthCheck {
  test: string[];
  interval: number;
  timeout: number;
  retries: number;
  startPeriod: number;
}

/** What a canary is made of; it has no secrets, no ports and no data. */
export interface CanarySpec {
  factory: string;
  component: ComponentName;
  /** Name of the container that the image is going to run in. */
  container: string;
  network: string;
  /** ID of the image. */
  image: string;
  reference: string;
  /** `NAME=value`. */
  environment: string[];
  /** Without `CAP_`. */
  capabilities: readonly string[];
  /** Mebibytes. */
  memory: number;
  pids: number;
  /** @default the image's own */
  healthCheck?: HealthCheck;
}

/** An image of a release, as the gate is told of it. */
export interface ReleasedImage {
  image: ImageName;
  /** Tag or digest of its reference. */
  version: string;
  /** ID on the Docker host. */
  id: string;
}

/** In the environment of an `up`: seconds for which new services are watched after they became healthy, instead of 5. The tests set it. */
export const watchVariable = "FACTORY_WATCH_SECONDS";

/** In the environment of a rehearsal: what runs is not in the state, and the images have to be fit to take its place. */
export const rehearsalVariable = "FACTORY_REHEARSAL";
