import * as pulumi from "@pulumi/pulumi";
import type { CanarySpec } from "../../contract/gates.ts";
import { containerName } from "../../contract/names.ts";
import type { ContainerSpec, Surroundings } from "../spec.ts";
import { createGate } from "./gate.ts";

/** Tries a service's image beside the container that runs, before anything that runs is touched. */
export function createCanary(
  spec: ContainerSpec,
  { factory, dockerHost, network }: Pick<Surroundings, "factory" | "dockerHost"> & { network: string },
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { component, image, run } = spec;
  const healthCheck = run.kind === "service" ? run.healthCheck : undefined;
  const canary: pulumi.Input<CanarySpec> = image.id.apply((id) => ({
    factory,
    component,
    container: containerName(factory, component),
    network,
    image: id,
    reference: image.labels.reference,
    environment: plainVariables(spec.environment),
    capabilities: spec.capabilities,
    memory: spec.limits.memoryMb,
    pids: spec.limits.pids,
    ...(healthCheck === undefined ? {} : { healthCheck }),
  }));
  return createGate(
    `${component}-canary`,
    { gate: "canary", dockerHost, parameters: { spec: pulumi.jsonStringify(canary) }, triggers: [image.id] },
    opts,
  );
}

/** `NAME=value` of the variables that are known here: a secret is an output, always. */
function plainVariables(environment: ContainerSpec["environment"]): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    typeof value === "string" ? [`${name}=${value}`] : [],
  );
}
