import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { goDuration } from "../config/units.ts";
import type { HealthCheck } from "../contract/gates.ts";
import { type ComponentName, containerName, volumesOf } from "../contract/names.ts";
import type { DataVolumes } from "./data-volumes.ts";
import type { FactoryImage } from "./factory-image.ts";
import { createGate } from "./gates/gate.ts";
import { containerLabels } from "./labels.ts";

/** What every container of a factory needs from the factory. */
export interface Surroundings {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  /** ID of the network the containers are on. */
  networkId: pulumi.Input<string>;
  volumes: DataVolumes;
  /** What has to be there, all of it, before any container is made or replaced. */
  before: pulumi.Resource[];
}

export interface ContainerSpec {
  component: ComponentName;
  image: FactoryImage;
  environment: Record<string, pulumi.Input<string> | undefined>;
  /** Capabilities added back, without `CAP_`. */
  capabilities: readonly string[];
  /** Mebibytes. */
  memory: number;
  pids: number;
  run: RunMode;
  /** Mounts besides the data volumes of the image. */
  mounts?: docker.types.input.ContainerMount[];
  ports?: docker.types.input.ContainerPort[];
}

/** What a component is made of, and where. */
export interface ComponentArgs extends Surroundings {
  spec: ContainerSpec;
}

/** Services run and restart; tasks are created ready, and started by whoever needs them. */
type RunMode = { kind: "service"; healthCheck?: HealthCheck } | { kind: "task" };

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
    memory: spec.memory,
    memorySwap: spec.memory,
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    stopTimeout: gracePeriod,
    destroyGraceSeconds: gracePeriod,
    removeVolumes: false,
  };
}

/** A child of the component as the container is: who waits for the component waits for this too. */
function finish(
  { component, pids, run }: ContainerSpec,
  around: Surroundings,
  { id }: docker.Container,
  parent: pulumi.Resource,
) {
  const { factory, dockerHost } = around;
  createGate(
    `${component}-finish`,
    {
      gate: "finish",
      dockerHost,
      parameters: { factory, component, container: id, pids: String(pids), run: run.kind },
      triggers: [id, String(pids)],
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

function dataMounts(component: ComponentName, volumes: DataVolumes): docker.types.input.ContainerMount[] {
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
