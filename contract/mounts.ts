import { type ComponentName, edgeStatePath, type VolumeKey, volumeName, volumesOf } from "./names.ts";

/** A named volume in a container. */
interface VolumeMount {
  path: string;
  volume: VolumeKey;
  readOnly: boolean;
}

/** The named volumes that a component's container has, and where. */
export function volumeMounts(component: ComponentName): VolumeMount[] {
  const own = Object.entries(volumesOf(component));
  return [
    ...own.map(([path, volume]) => ({ path, volume, readOnly: false })),
    ...(component === "edge" ? [{ path: edgeStatePath, volume: "state" as const, readOnly: true }] : []),
  ];
}

/** A mount as `docker inspect` tells it. */
export interface InspectedMount {
  /** `volume`, `bind`, `tmpfs`, ... */
  Type: string;
  /** Of a volume; 64 hexadecimal digits where it is anonymous. */
  Name?: string;
  Destination: string;
  RW: boolean;
}

/** What is wrong with the volumes of a component's container, a line for each. Mounts from the host's file system are fine. */
export function findMountProblems(
  factory: string,
  component: ComponentName,
  mounts: readonly InspectedMount[],
): string[] {
  const wanted = volumeMounts(component);
  const others = mounts.filter(({ Type, Destination }) => {
    return Type === "volume" && wanted.every(({ path }) => path !== Destination);
  });
  return [
    ...wanted.flatMap((mount) => problemOf(mount, factory, mounts)),
    ...others.map(({ Destination, Name = "" }) => `${Destination}: ${described(Name)} is mounted there`),
  ];
}

function problemOf(
  { path, volume, readOnly }: VolumeMount,
  factory: string,
  mounts: readonly InspectedMount[],
): string[] {
  const name = volumeName(factory, volume);
  const found = mounts.find(({ Destination }) => Destination === path);
  if (found === undefined) return [`${path}: the volume ${name} is not mounted there`];
  if (found.Name !== name) return [`${path}: ${described(found.Name ?? "")} is mounted there, not the volume ${name}`];
  if (found.RW === readOnly) return [`${path}: the volume ${name} is ${readOnly ? "writable" : "read-only"} there`];
  return [];
}

function described(name: string): string {
  if (/^[0-9a-f]{64}$/.test(name))
    return `an anonymous volume (${name.slice(0, 12)}), which the next container does not get,`;
  return name === "" ? "a directory of the host" : `the volume ${name}`;
}
