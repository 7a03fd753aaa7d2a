import { statSync } from "node:fs";
import type { Mount, Port } from "./deployment.ts";

/** A compose file as either compose prints it after it resolved it: in the long syntax (v2), or in both mixed (v1). */
export interface ResolvedFile {
  /** v2 only. */
  name?: string;
  services?: Record<string, ResolvedService>;
  volumes?: Record<string, { name?: string } | null>;
  networks?: Record<string, { name?: string } | null>;
}

interface ResolvedService {
  image?: string;
  build?: unknown;
  environment?: Record<string, unknown> | null;
  ports?: (string | { published?: string | number; target: string | number })[] | null;
  volumes?: (string | { type: string; source?: string; target: string; read_only?: boolean | string })[] | null;
  tmpfs?: string | string[] | null;
  networks?: Record<string, unknown> | string[] | null;
  network_mode?: string;
}

/** A compose file, of either compose. */
export interface ComposeFile {
  /** Where compose says it itself. */
  project?: string;
  services: FileService[];
}

/** What the file says of a service. */
export interface FileService {
  name: string;
  image?: string;
  builds: boolean;
  environment: Record<string, string>;
  /** Volumes and networks by their names on the host, once the project's name is known. */
  mounts: (project: string) => Mount[];
  networks: (project: string) => string[];
  ports: Port[];
}

export function readComposeFile(file: ResolvedFile): ComposeFile {
  const services = Object.entries(file.services ?? {}).map(([name, service]) => readService(name, service, file));
  return { ...(file.name === undefined ? {} : { project: file.name }), services };
}

function readService(name: string, service: ResolvedService, file: ResolvedFile): FileService {
  return {
    name,
    ...(service.image === undefined ? {} : { image: service.image }),
    builds: service.build !== undefined && service.build !== null,
    environment: readEnvironment(service.environment ?? {}),
    mounts: (project) => readMounts(service, (key) => file.volumes?.[key]?.name ?? `${project}_${key}`),
    networks: (project) => readNetworks(service, (key) => file.networks?.[key]?.name ?? `${project}_${key}`),
    ports: readPorts(service.ports ?? []),
  };
}

// A variable without a value is one that the environment would give, and did not.
function readEnvironment(environment: Record<string, unknown>): Record<string, string> {
  const given = Object.entries(environment).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function readMounts(service: ResolvedService, volumeName: (key: string) => string): Mount[] {
  const volumes = (service.volumes ?? []).map((volume): Mount => {
    const { type, source, target, read_only } = typeof volume === "string" ? long(volume) : volume;
    const readOnly = String(read_only) === "true";
    if (type === "tmpfs") return { kind: "tmpfs", target };
    if (type === "bind") return bind(source ?? "", target, readOnly);
    if (source === undefined || source === "") return { kind: "anonymous", target, name: "", readOnly };
    return { kind: "volume", target, name: volumeName(source), readOnly };
  });
  const tmpfs = [service.tmpfs ?? []]
    .flat()
    .map((path): Mount => ({ kind: "tmpfs", target: path.split(":")[0] ?? path }));
  return [...volumes, ...tmpfs].sort(byTarget);
}

export const byTarget = (a: Mount, b: Mount) => (a.target < b.target ? -1 : 1);

export const byContainerPort = (a: Port, b: Port) => a.container - b.container || a.host - b.host;

/** `source:target:mode`, of which v1 has made every path absolute. */
function long(volume: string): { type: string; source?: string; target: string; read_only?: boolean } {
  const [first = "", second, mode = ""] = volume.split(":");
  if (second === undefined) return { type: "volume", target: first };
  const type = first.startsWith("/") ? "bind" : "volume";
  return { type, source: first, target: second, read_only: mode.split(",").includes("ro") };
}

/** A directory or file of this host, mounted. */
export function bind(source: string, target: string, readOnly: boolean): Mount {
  const found = statSync(source, { throwIfNoEntry: false });
  const what = found === undefined ? "missing" : found.isDirectory() ? "directory" : "file";
  return { kind: "bind", target, source, readOnly, what };
}

function readNetworks(service: ResolvedService, networkName: (key: string) => string): string[] {
  if (service.network_mode !== undefined) return [service.network_mode];
  const { networks } = service;
  const keys = Array.isArray(networks) ? networks : Object.keys(networks ?? {});
  return (keys.length > 0 ? keys : ["default"]).map(networkName);
}

function readPorts(ports: NonNullable<ResolvedService["ports"]>): Port[] {
  const published = ports.flatMap((port) => {
    const { published: host, target } = typeof port === "string" ? longPort(port) : port;
    return host === undefined || host === "" ? [] : [{ host: Number(host), container: Number(target) }];
  });
  return published.sort(byContainerPort);
}

/** `[address:]published:target[/protocol]` */
function longPort(port: string): { published?: string; target: number } {
  const parts = (port.split("/")[0] ?? port).split(":");
  const published = parts.at(-2);
  return { ...(published === undefined ? {} : { published }), target: Number(parts.at(-1)) };
}
