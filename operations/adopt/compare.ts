import { goDuration } from "../../config/units.ts";
import type { Properties } from "./plan.ts";

/** What `docker inspect` says of a container. */
export interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  State: { Status: string };
  Config: ImageConfig & { StopTimeout?: number; Tty?: boolean; OpenStdin?: boolean };
  HostConfig: {
    PortBindings: Record<string, { HostIp: string; HostPort: string }[] | null> | null;
    RestartPolicy: { Name: string };
    LogConfig: { Type: string; Config: Record<string, string> | null };
    CapAdd: string[] | null;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    Memory: number;
    MemorySwap: number;
  } & Record<string, unknown>;
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean }[];
  NetworkSettings: { Networks: Record<string, { Aliases: string[] | null; NetworkID: string }> };
}

/** What an image sets, and a container of it has unless it is told otherwise. */
export interface ImageConfig {
  Env: string[] | null;
  Labels: Record<string, string> | null;
  Cmd: string[] | null;
  Entrypoint: string[] | null;
  User: string;
  WorkingDir: string;
  Healthcheck?: Partial<HealthCheck>;
  StopSignal?: string;
}

interface HealthCheck {
  Test: string[];
  Interval: number;
  Timeout: number;
  Retries: number;
  StartPeriod: number;
}

/** Two lists of one thing about a container, in words that are no secret. */
type Lists = [wanted: string[], found: string[]];

/**
 * What of a container is not as it is wanted: names and limits, never the value of a variable.
 * @param inputs what Pulumi's Docker provider would be told, without marks of secrets
 * @param network name of the factory's network
 */
export function differences(inputs: Properties, found: Inspected, image: ImageConfig, network: string): string[] {
  const strange = Object.keys(inputs).filter((key) => !comparable.includes(key) && !isDefaultNetwork(key, inputs[key]));
  if (strange.length > 0) return strange.map((key) => `${key}, which adopt cannot compare`);
  return [
    ...(found.Image === inputs.image ? [] : ["image"]),
    ...named("variables", variables(inputs.envs as string[], image), found.Config.Env ?? []),
    ...named("labels", labels(inputs.labels as Label[], image), pairs(found.Config.Labels)),
    ...named("mounts", ...mounts(inputs, found)),
    ...named("ports", ...ports(inputs, found)),
    ...named("capabilities", ...capabilities(inputs, found)),
    ...listed("security options", [strings(inputs.securityOpts), found.HostConfig.SecurityOpt ?? []]),
    ...limit("memory limit", Number(inputs.memory), found.HostConfig.Memory),
    ...limit("limit of memory and swap", Number(inputs.memorySwap), found.HostConfig.MemorySwap),
    ...listed("restart policy", [[String(inputs.restart)], [found.HostConfig.RestartPolicy.Name || "no"]]),
    ...listed("stop timeout", [[String(inputs.stopTimeout)], [String(found.Config.StopTimeout)]]),
    ...listed("log options", logs(inputs, found)),
    ...listed("network", networks(inputs, found, network)),
    ...listed("health check", healthChecks(inputs, found, image)),
    ...listed("command", [commandOf(image), commandOf(found.Config)]),
    ...unusual(found),
  ];
}

const comparable = [
  ...["__defaults", "name", "image", "envs", "labels", "mounts", "ports", "capabilities", "securityOpts", "memory"],
  ...["memorySwap", "restart", "stopTimeout", "logDriver", "logOpts", "networksAdvanced", "healthcheck"],
  // They say what Pulumi does, and are nothing that a container has.
  ...["start", "mustRun", "destroyGraceSeconds", "removeVolumes", "waitTimeout"],
  "containerReadRefreshTimeoutMilliseconds",
];

/** The vendor's plugin fills in what Docker does with a container that asks for no network mode. */
function isDefaultNetwork(key: string, value: unknown): boolean {
  return key === "networkMode" && (value === "default" || value === "bridge");
}

interface Label {
  label: string;
  value: string;
}

/** Differences by name: what is before the first `=`. */
function named(what: string, wanted: string[], found: string[]): string[] {
  const differing = [...wanted.filter((one) => !found.includes(one)), ...found.filter((one) => !wanted.includes(one))];
  const names = new Set(differing.map((one) => one.split("=", 1)[0]));
  return names.size === 0 ? [] : [`${what} (${[...names].sort().join(", ")})`];
}

function listed(what: string, [wanted, found]: Lists): string[] {
  return JSON.stringify([...wanted].sort()) === JSON.stringify([...found].sort()) ? [] : [what];
}

function limit(what: string, mebibytes: number, bytes: number): string[] {
  const found = bytes / 1024 ** 2;
  return found === mebibytes ? [] : [`${what} (${found > 0 ? `${found} MiB` : "none"}, wanted ${mebibytes} MiB)`];
}

function strings(value: unknown): string[] {
  return (value ?? []) as string[];
}

function pairs(record: Record<string, string> | null): string[] {
  return Object.entries(record ?? {}).map(([name, value]) => `${name}=${value}`);
}

function variables(wanted: string[], image: ImageConfig): string[] {
  const names = new Set(wanted.map((variable) => variable.split("=", 1)[0]));
  return [...wanted, ...(image.Env ?? []).filter((variable) => !names.has(variable.split("=", 1)[0]))];
}

function labels(wanted: Label[], image: ImageConfig): string[] {
  const own = Object.fromEntries(wanted.map(({ label, value }) => [label, value]));
  return pairs({ ...image.Labels, ...own });
}

interface Mount {
  type: string;
  source: string;
  target: string;
  readOnly?: boolean;
}

function mounts(inputs: Properties, { Mounts }: Inspected): Lists {
  const line = ({ type, source, target, readOnly = false }: Mount) => `${target}=${type} ${source} ${readOnly}`;
  const found = Mounts.map(({ Type: type, Name, Source, Destination: target, RW }) =>
    line({ type, source: type === "volume" ? (Name ?? Source) : Source, target, readOnly: !RW }),
  );
  return [((inputs.mounts ?? []) as Mount[]).map(line), found];
}

interface Port {
  internal: number;
  external: number;
  ip?: string;
  protocol?: string;
}

function ports(inputs: Properties, { HostConfig }: Inspected): Lists {
  const anywhere = "0.0.0.0";
  const wanted = ((inputs.ports ?? []) as Port[]).map(
    ({ internal, external, ip = anywhere, protocol = "tcp" }) => `${internal}/${protocol}=${ip} ${external}`,
  );
  const found = Object.entries(HostConfig.PortBindings ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? []).map(({ HostIp, HostPort }) => `${port}=${HostIp || anywhere} ${HostPort}`),
  );
  return [wanted, found];
}

function capabilities(inputs: Properties, { HostConfig }: Inspected): Lists {
  const { adds, drops } = (inputs.capabilities ?? {}) as Record<string, unknown>;
  const lines = (sign: string, names: string[]) => names.map((name) => `${sign}${name.replace(/^CAP_/, "")}`);
  return [
    [...lines("+", strings(adds)), ...lines("-", strings(drops))],
    [...lines("+", HostConfig.CapAdd ?? []), ...lines("-", HostConfig.CapDrop ?? [])],
  ];
}

function logs(inputs: Properties, { HostConfig }: Inspected): Lists {
  const { Type, Config } = HostConfig.LogConfig;
  return [
    [String(inputs.logDriver), ...pairs((inputs.logOpts ?? {}) as Record<string, string>)],
    [Type, ...pairs(Config)],
  ];
}

/** Docker adds names of its own to the aliases that are wanted. */
function networks(inputs: Properties, { Id, Name, NetworkSettings }: Inspected, network: string): Lists {
  const [wanted] = (inputs.networksAdvanced ?? []) as { aliases?: string[] }[];
  const own = [Id.slice(0, 12), Name.slice(1)];
  const found = Object.entries(NetworkSettings.Networks).flatMap(([name, { Aliases }]) => [
    name,
    ...new Set((Aliases ?? []).filter((alias) => !own.includes(alias))),
  ]);
  return [[network, ...(wanted?.aliases ?? [])], found];
}

interface WantedCheck {
  tests: string[];
  interval: string;
  timeout: string;
  retries: number;
  startPeriod?: string;
}

function healthChecks(inputs: Properties, { Config }: Inspected, image: ImageConfig): Lists {
  const lines = ({ Test = [], Interval = 0, Timeout = 0, Retries = 0, StartPeriod = 0 }: Partial<HealthCheck>) => {
    const times = [Interval, Timeout, StartPeriod].map((nanoseconds) => goDuration(nanoseconds / 1e9));
    return [JSON.stringify([Test, ...times, Retries])];
  };
  const wanted = inputs.healthcheck as WantedCheck | undefined;
  if (wanted === undefined) return [lines(image.Healthcheck ?? {}), lines(Config.Healthcheck ?? {})];
  const { tests, interval, timeout, retries, startPeriod = "0s" } = wanted;
  return [[JSON.stringify([tests, interval, timeout, startPeriod, retries])], lines(Config.Healthcheck ?? {})];
}

function commandOf({ Entrypoint, Cmd, User, WorkingDir, StopSignal }: ImageConfig): string[] {
  return [JSON.stringify([Entrypoint ?? [], Cmd ?? [], User, WorkingDir, StopSignal ?? ""])];
}

/** What no container of a factory is ever given. */
function unusual({ Config, HostConfig }: Inspected): string[] {
  const flags = ["Privileged", "AutoRemove", "PublishAllPorts", "ReadonlyRootfs", "PidMode", "UsernsMode", "UTSMode"];
  const lists = [
    "Devices",
    "DeviceRequests",
    "ExtraHosts",
    "Dns",
    "VolumesFrom",
    "Links",
    "Tmpfs",
    "Sysctls",
    "GroupAdd",
  ];
  const set = [...flags, ...lists].filter((key) => {
    const value = HostConfig[key];
    return typeof value === "object" ? Object.keys(value ?? {}).length > 0 : Boolean(value);
  });
  const terminal = [...(Config.Tty ? ["Tty"] : []), ...(Config.OpenStdin ? ["OpenStdin"] : [])];
  return [...set, ...terminal].map((key) => `${key} is set`);
}
