import { realpathSync } from "node:fs";
import { docker, inspect } from "../../../host/docker.ts";
import { bind, byContainerPort, byTarget } from "./compose-file.ts";
import type { FoundContainer, Mount, Port } from "./deployment.ts";

const label = "com.docker.compose";

/** What a migration looks at in `docker inspect` of a container. */
export interface InspectedContainer {
  Id: string;
  Name: string;
  Image: string;
  State: { Running: boolean; StartedAt: string };
  Created: string;
  Config: { Image: string; Env: string[] | null; Labels: Record<string, string> };
  HostConfig: {
    RestartPolicy: { Name: string };
    NetworkMode: string;
    Tmpfs?: Record<string, string> | null;
    PortBindings: Record<string, { HostPort: string }[] | null> | null;
  };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean }[];
  NetworkSettings: { Networks: Record<string, unknown>; Ports?: Record<string, { HostPort: string }[] | null> | null };
}

export interface InspectedImage {
  Id: string;
  RepoDigests: string[] | null;
  Config: { Env: string[] | null } | null;
}

/** What compose has written on a container it made. */
export interface ComposeLabels {
  project: string;
  service: string;
  workingDirectory: string;
  /** As they were given: v1 keeps them relative. */
  files: string[];
  oneOff: boolean;
}

/** Every container that compose made on a host. */
export async function readComposeContainers(host: string): Promise<InspectedContainer[]> {
  const ids = await docker(host, ["ps", "--all", "--quiet", "--no-trunc", `--filter=label=${label}.project`]);
  return inspect<InspectedContainer>(
    host,
    "container",
    ids.split("\n").filter((id) => id !== ""),
  );
}

export function composeLabels({ Config: { Labels } }: InspectedContainer): ComposeLabels {
  const read = (name: string) => Labels[`${label}.${name}`] ?? "";
  return {
    project: read("project"),
    service: read("service"),
    workingDirectory: realPath(read("project.working_dir")),
    files: read("project.config_files")
      .split(",")
      .filter((file) => file !== ""),
    oneOff: read("oneoff").toLowerCase() === "true",
  };
}

/** A directory by the name it has without symbolic links, where it exists. */
export function realPath(path: string): string {
  if (path === "") return path;
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Running ones first, one-off ones last. */
export function inOrder(containers: InspectedContainer[]): InspectedContainer[] {
  const rank = (container: InspectedContainer) =>
    Number(composeLabels(container).oneOff) * 2 + Number(!container.State.Running);
  return [...containers].sort((a, b) => rank(a) - rank(b) || (a.Name < b.Name ? -1 : 1));
}

export function foundContainer(container: InspectedContainer): FoundContainer {
  return {
    id: container.Id,
    name: container.Name.slice(1),
    running: container.State.Running,
    startedAt: container.State.StartedAt,
    imageId: container.Image,
    imageReference: container.Config.Image,
    oneOff: composeLabels(container).oneOff,
    restart: container.HostConfig.RestartPolicy.Name,
  };
}

export function mountsOf({ Mounts, HostConfig }: InspectedContainer): Mount[] {
  const mounts = Mounts.map(({ Type, Name = "", Source, Destination: target, RW }): Mount => {
    if (Type === "tmpfs") return { kind: "tmpfs", target };
    if (Type === "bind") return bind(Source, target, !RW);
    return { kind: /^[0-9a-f]{64}$/.test(Name) ? "anonymous" : "volume", target, name: Name, readOnly: !RW };
  });
  const known = new Set(mounts.map(({ target }) => target));
  const tmpfs = Object.keys(HostConfig.Tmpfs ?? {}).filter((target) => !known.has(target));
  return [...mounts, ...tmpfs.map((target): Mount => ({ kind: "tmpfs", target }))].sort(byTarget);
}

/** What a container was given, without what its image sets itself. */
export function environmentOf(container: InspectedContainer, image?: InspectedImage): Record<string, string> {
  const own = new Set(image?.Config?.Env ?? []);
  // v1 hands on the mere name of a variable that nobody set.
  const given = (container.Config.Env ?? []).filter((line) => line.includes("=") && !own.has(line));
  return Object.fromEntries(given.map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]));
}

export function portsOf({ HostConfig, NetworkSettings }: InspectedContainer): Port[] {
  const asked = Object.entries(HostConfig.PortBindings ?? {});
  const ports = asked.flatMap(([key, bindings]) =>
    (bindings ?? []).map(({ HostPort }, index) => ({
      // Where the host was asked for any port, the one it gave.
      host: Number(HostPort === "" || HostPort === "0" ? NetworkSettings.Ports?.[key]?.[index]?.HostPort : HostPort),
      container: Number(key.split("/")[0]),
    })),
  );
  const known = ports.filter(({ host }) => host > 0).sort(byContainerPort);
  return known.filter((a, index) => known.findIndex((b) => a.host === b.host && a.container === b.container) === index);
}

export function networksOf({ NetworkSettings }: InspectedContainer): string[] {
  return Object.keys(NetworkSettings.Networks).sort();
}
