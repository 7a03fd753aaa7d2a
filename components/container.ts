import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { goDuration } from "../config/units.ts";
import { type ComponentName, containerName, containers, images, type VolumeKey } from "./contract.ts";
import type { DataVolumes } from "./data-volumes.ts";
import type { FactoryImage } from "./factory-image.ts";
import { containerLabels } from "./labels.ts";

/** What every container of a factory needs from the factory. */
export interface Surroundings {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  network: docker.Network;
  volumes: DataVolumes;
  /** What has to be there, all of it, before any container is made or replaced. */
  before: pulumi.Resource[];
}

/** A health check as the config declares it; times in seconds. */
interface HealthCheck {
  test: string[];
  interval: number;
  timeout: number;
  retries: number;
  startPeriod: number;
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

/** Services run and restart; tasks are created ready, and started by whoever needs them. */
type RunMode = { kind: "service"; healthCheck?: HealthCheck } | { kind: "task" };

/** Seconds until a stopped container is killed. */
const gracePeriod = 30;

/** Seconds a container may take to become healthy, where the health check is the image's own and not known here. */
const healthyWithin = 120;

/** Makes a container with the secure defaults, its data volumes, and its pids limit. */
export function createContainer(spec: ContainerSpec, around: Surroundings, parent: pulumi.Resource): docker.Container {
  const container = new docker.Container(
    spec.component,
    {
      name: containerName(around.factory, spec.component),
      image: spec.image.id,
      envs: environment(spec.environment),
      labels: containerLabels(around.factory, spec.component, spec.image.labels),
      mounts: [...dataMounts(spec.component, around.volumes), ...(spec.mounts ?? [])],
      networksAdvanced: [{ name: around.network.id, aliases: [spec.component] }],
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
    },
    // The provider does not apply a changed health check to a running container, and the name is taken until it is gone.
    { parent, dependsOn: around.before, replaceOnChanges: ["healthcheck"], deleteBeforeReplace: true },
  );
  limitPids(spec, around, container);
  return container;
}

/** The provider knows no pids limit, the daemon does. */
function limitPids(
  { component, pids }: ContainerSpec,
  { dockerHost }: Surroundings,
  container: docker.Container,
): void {
  new command.local.Command(
    `${component}-pids-limit`,
    {
      create: `docker update --pids-limit ${pids} "$CONTAINER"`,
      environment: { DOCKER_HOST: dockerHost, CONTAINER: container.id },
      triggers: [container.id],
      logging: command.local.Logging.Stderr,
    },
    { parent: container },
  );
}

function runOptions(run: RunMode) {
  if (run.kind === "task") return { start: false, mustRun: false, restart: "no" };
  const { healthCheck } = run;
  return {
    restart: "unless-stopped",
    wait: true,
    waitTimeout: healthCheck === undefined ? healthyWithin : impliedTimeout(healthCheck),
    ...(healthCheck === undefined ? {} : { healthcheck: healthcheckOf(healthCheck) }),
  };
}

/** Seconds in which a container becomes healthy or unhealthy. */
function impliedTimeout({ startPeriod, retries, interval, timeout }: HealthCheck): number {
  return startPeriod + retries * (interval + timeout);
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
  const table: Record<string, VolumeKey> = images[containers[component]];
  return Object.entries(table).map(([target, key]) => ({ type: "volume", source: volumes.names[key], target }));
}

/** `NAME=value` for every variable that has one; a secret stays one. */
function environment(variables: ContainerSpec["environment"]): pulumi.Input<string>[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [pulumi.interpolate`${name}=${value}`],
  );
}
