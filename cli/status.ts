import Table from "cli-table3";
import type { Command } from "commander";
import {
  type ComponentName,
  componentsWith,
  containerName,
  labelKeys,
  volumeName,
  volumesWith,
} from "../contract/names.ts";
import { docker } from "../host/docker.ts";
import { refuseDockerContext } from "../host/docker-context.ts";
import { inspectComponents, type Named, namesIn } from "../host/factory-containers.ts";
import { tableStyle } from "../lib/table.ts";
import { readStackFile } from "../pulumi/stack-file.ts";
import { jsonOption, type StackOptions, stackOption } from "./options.ts";

/** What runs of a component; null where its container does not exist. */
interface ComponentStatus {
  component: ComponentName;
  container: string;
  version: string | null;
  /** ID of the image it runs. */
  digest: string | null;
  /** Docker's state: created, running, exited, ... */
  state: string | null;
  /** Docker's health: starting, healthy, unhealthy; null where the container has no health check. */
  health: string | null;
  /** When it was started, or created where it never was; RFC 3339. */
  since: string | null;
}

interface VolumeStatus {
  volume: string;
  /** As Docker writes it (`1.2GB`); null where the volume does not exist. */
  size: string | null;
}

interface FactoryStatus {
  factory: string;
  components: ComponentStatus[];
  volumes: VolumeStatus[];
}

export function registerStatus(program: Command): void {
  program
    .command("status")
    .description("show what runs: versions, digests, health, and the data volumes with their sizes")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action(async ({ stack, json }: StackOptions & { json?: boolean }) => {
      const { config } = readStackFile(stack);
      refuseDockerContext(config.dockerHost);
      const status = await readStatus(namesIn(config));
      console.log(json ? JSON.stringify(status, null, 2) : formatStatus(status));
    });
}

interface Inspected {
  Name: string;
  Image: string;
  Created: string;
  State: { Status: string; StartedAt: string; Health?: { Status: string } };
  Config: { Labels: Record<string, string> };
}

async function readStatus(named: Named): Promise<FactoryStatus> {
  const { factory, hired, host } = named;
  const [found, sizes] = await Promise.all([inspectComponents<Inspected>(named), volumeSizes(host)]);
  return {
    factory,
    components: componentsWith(hired).map((component) =>
      componentStatus(component, containerName(factory, component), found[component]),
    ),
    volumes: volumesWith(hired).map((key) => {
      const volume = volumeName(factory, key);
      return { volume, size: sizes.get(volume) ?? null };
    }),
  };
}

function componentStatus(component: ComponentName, container: string, found: Inspected | undefined): ComponentStatus {
  const started = found === undefined || found.State.StartedAt.startsWith("0001") ? undefined : found.State.StartedAt;
  return {
    component,
    container,
    version: found?.Config.Labels[labelKeys.version] ?? null,
    digest: found?.Image ?? null,
    state: found?.State.Status ?? null,
    health: found?.State.Health?.Status ?? null,
    since: started ?? found?.Created ?? null,
  };
}

/** Sizes of all volumes on a host by name, as Docker writes them: `1.2GB`. */
export async function volumeSizes(host: string): Promise<Map<string, string>> {
  const usage = await docker(host, ["system", "df", "--verbose", "--format", "{{json .Volumes}}"]);
  const volumes = JSON.parse(usage) as { Name: string; Size: string }[];
  return new Map(volumes.map(({ Name, Size }) => [Name, Size]));
}

function formatStatus({ factory, components, volumes }: FactoryStatus): string {
  const style = tableStyle();
  const containers = new Table({
    head: ["component", "version", "digest", "state", "health", "since"],
    style,
  });
  for (const { component, version, digest, state, health, since } of components) {
    containers.push([
      component,
      version ?? "-",
      digest?.replace("sha256:", "").slice(0, 12) ?? "-",
      state ?? "missing",
      health ?? "-",
      since?.replace(/\.\d+Z$/, "Z") ?? "-",
    ]);
  }
  const data = new Table({ head: ["data volume", "size"], style });
  for (const { volume, size } of volumes) data.push([volume, size ?? "missing"]);
  return `Factory ${factory}\n${containers}\n${data}`;
}
