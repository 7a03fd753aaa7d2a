import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { goDuration } from "../config/units.ts";
import type { HealthCheck } from "../contract/gates.ts";
import { type ComponentName, containerName, volumesOf } from "../contract/names.ts";
import type { DataVolumes } from "./data-volumes.ts";
import { createGate } from "./gates/gate.ts";
import { containerLabels } from "./labels.ts";
import type { ContainerSpec, Mount, RunMode, Surroundings } from "./spec.ts";

/** Seconds until a stopped container is killed. */
const gracePeriod = 30;

/** Makes a container with the secure defaults and its data volumes, and waits until it does what it should. */
export function createContainer(spec: ContainerSpec, around: Surroundings, parent: pulumi.Resource): docker.Container {
  const container = new docker.Container(
    spec.component,
    containerArgs(spec, around),
    // The provider calls a changed health check or mount an update, and does not apply it. The name is taken until the
    // container is gone.
    { parent, dependsOn: around.before, replaceOnChanges: ["healthcheck", "mounts"], deleteBeforeReplace: true },
  );
  finish(spec, around, container, parent);
  return container;
}

/** All that a container is made of; another value of any of it makes another container. */
export function containerArgs(
  spec: ContainerSpec,
  around: Pick<Surroundings, "factory" | "networkId" | "volumes">,
): docker.ContainerArgs {
  return {
    name: containerName(around.factory, spec.component),
    image: spec.image.id,
    envs: environment(spec.environment),
    labels: containerLabels(around.factory, spec.component, spec.image.labels),
    mounts: [...dataMounts(spec.component, around.volumes), ...(spec.mounts ?? [])],
    networksAdvanced: [{ name: around.networkId, aliases: [spec.component] }],
    ...(spec.ports === undefined ? {} : { ports: spec.ports }),
    ...runOptions(spec.run),
    // A container starts with nothing and is given what it needs.
    capabilities: { drops: ["ALL"], adds: spec.capabilities.map((name) => `CAP_${name}`) },
    securityOpts: ["no-new-privileges:true"],
    memory: spec.limits.memoryMb,
    memorySwap: spec.limits.memoryMb,
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    stopTimeout: gracePeriod,
    destroyGraceSeconds: gracePeriod,
    removeVolumes: false,
  };
}

/** A child of the component as the container is: who waits for the component waits for this too. */
function finish(
  { component, limits, run }: ContainerSpec,
  around: Surroundings,
  { id }: docker.Container,
  parent: pulumi.Resource,
) {
  const { factory, dockerHost } = around;
  const pids = String(limits.pids);
  createGate(
    `${component}-finish`,
    {
      gate: "finish",
      dockerHost,
      parameters: { factory, component, container: id, pids, run: run.kind },
      triggers: [id, pids],
    },
    { parent },
  );
}

function runOptions(run: RunMode) {
  if (run.kind === "task") return { start: false, mustRun: false, restart: "no" };
  const { healthCheck } = run;
  return {
    restart: "unless-stopped",
    ...(healthCheck === undefined ? {} : { healthcheck: healthcheckOf(healthCheck) }),
  };
}

function healthcheckOf(check: HealthCheck): docker.types.input.ContainerHealthcheck {
  return {
    tests: check.test,
    interval: goDuration(check.interval),
    timeout: goDuration(check.timeout),
    retries: check.retries,
    startPeriod: goDuration(check.startPeriod),
  };
}

function dataMounts(component: ComponentName, volumes: DataVolumes): Mount[] {
  return Object.entries(volumesOf(component)).map(([target, key]) => {
    return { type: "volume", source: volumes.nameOf(key), target };
  });
}

/** `NAME=value` for every variable that has one; a secret stays one. */
function environment(variables: ContainerSpec["environment"]): pulumi.Input<string>[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [pulumi.interpolate`${name}=${value}`],
  );
}
