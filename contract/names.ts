/**
 * The contract of names on the host: containers, network, volumes, labels, and which volume lies under which VOLUME path.
 * People's data hangs on these names. Everything else is derived from this table or checked against it.
 */

/** Named volumes of a factory, as docker compose names them behind the factory's prefix. */
export const volumes = ["agent-data", "project-repos", "projects", "state", "caddy_data"] as const;

/** Volumes of the factory, and those of a hired agent alone. */
export type VolumeKey =
  | (typeof volumes)[number]
  | `agents-${string}-data`
  | `project-repos-${string}`
  | `agents-${string}-state`;

/** Images, each with its VOLUME paths and the named volume mounted over each of them. */
export const images = {
  agents: {
    "/home/agent/data": "agent-data",
    "/home/agent/repos": "project-repos",
    "/home/agent/disinto/projects": "projects",
    "/home/agent/disinto/state": "state",
  },
  reproduce: {
    "/home/agent/data": "agent-data",
    "/home/agent/repos": "project-repos",
  },
  edge: {
    "/data": "caddy_data",
  },
} as const satisfies Record<string, Record<string, VolumeKey>>;
export type ImageName = keyof typeof images;
export const imageNames = Object.keys(images) as ImageName[];

/** Containers, each with the image it runs. The runner is the agents image, always. */
export const containers = {
  agents: "agents",
  runner: "agents",
  reproduce: "reproduce",
  edge: "edge",
} as const satisfies Record<string, ImageName>;
export const componentNames = Object.keys(containers) as (keyof typeof containers)[];

/** A container of every factory, or that of a hired agent, which runs the agents' image. */
export type ComponentName = keyof typeof containers | `agents-${string}`;

export function hiredComponent(name: string): ComponentName {
  return `agents-${name}`;
}

/** All components of a factory that has hired these agents. */
export function componentsWith(hired: readonly string[]): ComponentName[] {
  return [...componentNames, ...hired.map(hiredComponent)];
}

/** Those that run and restart. */
export function servicesWith(hired: readonly string[]): ComponentName[] {
  return ["agents", ...hired.map(hiredComponent), "edge"];
}

export function imageOf(component: ComponentName): ImageName {
  return isHired(component) ? "agents" : containers[component];
}

function isHired(component: ComponentName): component is `agents-${string}` {
  return component.startsWith("agents-");
}

/** The named volume under each VOLUME path of a component's image. */
export function volumesOf(component: ComponentName): Record<string, VolumeKey> {
  return isHired(component) ? volumesOfHired(component.slice("agents-".length)) : images[containers[component]];
}

/** A hired agent works on data of its own; the projects are everybody's. */
function volumesOfHired(name: string): Record<keyof typeof images.agents, VolumeKey> {
  return {
    "/home/agent/data": `agents-${name}-data`,
    "/home/agent/repos": `project-repos-${name}`,
    "/home/agent/disinto/projects": "projects",
    "/home/agent/disinto/state": `agents-${name}-state`,
  };
}

/** All data volumes of a factory that has hired these agents. */
export function volumesWith(hired: readonly string[]): VolumeKey[] {
  return [...volumes, ...hired.flatMap(ownVolumes)];
}

/** The data volumes of a hired agent that nobody else has. */
export function ownVolumes(name: string): VolumeKey[] {
  return Object.values(volumesOfHired(name)).filter((key) => !(volumes as readonly string[]).includes(key));
}

/** Whether a text is the key of a data volume, of whichever hired agent. */
export function isVolumeKey(text: string): text is VolumeKey {
  return (volumes as readonly string[]).includes(text) || /^(agents-.+-(data|state)|project-repos-.+)$/.test(text);
}

/** Where the edge finds the agents' state, read-only, to show their heartbeat. */
export const edgeStatePath = "/srv/factory/state";

/** Labels on everything a factory owns. */
export const labelKeys = {
  version: "org.opencontainers.image.version",
  /** Of a released image: the commit it is made of. */
  revision: "org.opencontainers.image.revision",
  factory: "io.disinto.factory",
  component: "io.disinto.component",
  image: "io.disinto.image",
  /** Of an image: an integer, the format of the data it reads and writes. */
  dataFormat: "io.disinto.data-format",
  /** On the container that takes or restores a snapshot: what it does, as JSON. */
  operation: "io.disinto.operation",
  /** On a volume that a migration from docker compose made: which one. */
  migration: "io.disinto.migration",
} as const;

export function containerName(factory: string, component: ComponentName): string {
  return `${factory}-${component}`;
}

/** A component that runs an image; all that run it have the same version of it. */
export function componentOf(image: ImageName): keyof typeof containers {
  const component = componentNames.find((name) => containers[name] === image);
  if (component === undefined) throw new Error(`no container runs the image ${image}`);
  return component;
}

/** Name of the container in which a new image is tried beside the one that runs. */
export function canaryName(container: string): string {
  return `${container}-canary`;
}

/** Container that takes or restores a snapshot; the name is the lock that lets only one do so at a time. */
export function snapshotContainerName(factory: string): string {
  return `${factory}-snapshot`;
}

/** Container in which a migration looks at data and copies it. */
export function migrationContainerName(factory: string): string {
  return `${factory}-migration`;
}

export function volumeName(factory: string, volume: VolumeKey): string {
  return `${factory}_${volume}`;
}

export function networkName(factory: string): string {
  return `${factory}_disinto-net`;
}

/** Tag of a locally built image: `disinto/agents:dev`. */
export function localImageName(factory: string, image: ImageName): string {
  return `${hostRepository(factory, image)}:dev`;
}

/** Repository of a factory's images on its Docker host: `disinto/agents`. */
export function hostRepository(factory: string, image: ImageName): string {
  return `${factory}/${image}`;
}
