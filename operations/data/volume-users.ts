import {
  type ComponentName,
  imageOf,
  labelKeys,
  type VolumeKey,
  volumeName,
  volumesWith,
} from "../../contract/names.ts";
import { docker, inspect } from "../../host/docker.ts";
import { inspectComponents, type Named } from "../../host/factory-containers.ts";
import { parseReference } from "../../images/reference.ts";
import type { SnapshotLabels } from "./labels.ts";

/** A container with data volumes of a factory in it, whoever made it. */
export interface VolumeUser {
  name: string;
  /** Docker's state: running, paused, exited, ... */
  status: string;
  /** Volumes it sees, and those of them it can write to. */
  reads: VolumeKey[];
  writes: VolumeKey[];
}

interface Inspected {
  Name: string;
  Image: string;
  State: { Status: string };
  Config: { Labels: Record<string, string> };
  Mounts: { Type: string; Name?: string; RW: boolean }[];
}

/** The factory's data volumes that exist. */
export async function existingVolumes({ factory, hired, host }: Named): Promise<VolumeKey[]> {
  const volumes = volumesWith(hired);
  const names = volumes.map((key) => volumeName(factory, key));
  const found = await inspect<{ Name: string }>(host, "volume", names);
  return volumes.filter((key) => found.some(({ Name }) => Name === volumeName(factory, key)));
}

export async function volumeUsers({ factory, hired, host }: Named): Promise<VolumeUser[]> {
  const volumes = volumesWith(hired);
  const filters = volumes.map((key) => `--filter=volume=${volumeName(factory, key)}`);
  const ids = await docker(host, ["ps", "--all", "--quiet", "--no-trunc", ...filters]);
  if (ids === "") return [];
  return (await inspect<Inspected>(host, "container", ids.split("\n"))).map(({ Name, State, Mounts }) => {
    const mounted = (key: VolumeKey) => Mounts.find((mount) => mount.Name === volumeName(factory, key));
    return {
      name: Name.slice(1),
      status: State.Status,
      reads: volumes.filter((key) => mounted(key) !== undefined),
      writes: volumes.filter((key) => mounted(key)?.RW),
    };
  });
}

/** Caddy writes its certificates to a file of their own and renames it: it is never paused, and the page stays up. */
const neverPaused: readonly VolumeKey[] = ["caddy_data"];

/** Names of those that run and write to what has to be quiet in a snapshot. */
export function writers(users: VolumeUser[]): string[] {
  return users
    .filter(({ status, writes }) => status === "running" && writes.some((key) => !neverPaused.includes(key)))
    .map(({ name }) => name);
}

/** Names of those that have to be stopped before these volumes are restored. */
export function runningUsers(users: VolumeUser[], restored: VolumeKey[]): string[] {
  return users
    .filter(({ status, reads }) => isAlive(status) && reads.some((key) => restored.includes(key)))
    .map(({ name }) => name);
}

function isAlive(status: string): boolean {
  return status === "running" || status === "paused" || status === "restarting";
}

/** The release whose containers exist, as a snapshot's labels have it. */
export async function readImages(named: Named): Promise<SnapshotLabels["images"]> {
  // A hired agent runs what the factory's own agents run.
  const found = Object.entries(await inspectComponents<Inspected>({ ...named, hired: [] }));
  return Object.fromEntries(
    found.flatMap(([component, { Image, Config }]) => {
      const version = Config.Labels[labelKeys.version];
      if (version === undefined) return [];
      const digest = parseReference(Config.Labels[labelKeys.image] ?? "")?.digest ?? Image;
      return [[imageOf(component as ComponentName), { version, digest }]];
    }),
  );
}
