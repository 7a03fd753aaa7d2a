import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../../config/parse.ts";
import type { ComponentName } from "../../contract/names.ts";
import { containerArgs } from "../container.ts";
import type { ContainerSpec, Surroundings } from "../spec.ts";
import { createGate } from "./gate.ts";

export interface DrainArgs extends Omit<Surroundings, "before"> {
  /** The agents that are asked; runner and reproduce are the factory's own agents' tasks. */
  component: ComponentName;
  drain: FactoryConfig["agents"]["drain"];
  /** The containers that are not to be interrupted at work. */
  containers: ContainerSpec[];
}

/** Waits, before one of the containers is replaced, until none of them is at work. */
export function createDrain(name: string, args: DrainArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { factory, dockerHost, component, drain, containers } = args;
  const command = drain.command === undefined ? "" : JSON.stringify(drain.command);
  return createGate(
    name,
    {
      gate: "drain",
      dockerHost,
      parameters: { factory, component, timeout: String(drain.timeout), ontimeout: drain.onTimeout, command },
      triggers: containers.map((spec) => fingerprint(containerArgs(spec, args))),
      progress: true,
    },
    opts,
  );
}

/** Another one for every change that makes another container. */
function fingerprint(args: object): pulumi.Output<string> {
  return pulumi.jsonStringify(args).apply((json) => createHash("sha256").update(json).digest("hex"));
}
