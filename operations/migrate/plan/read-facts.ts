import { labelKeys, volumeName } from "../../../contract/names.ts";
import { docker, inspect } from "../../../host/docker.ts";
import type { FactoryHost } from "../carry-out/helper.ts";
import { formatPlace, type Place } from "../place.ts";
import type { Deployment } from "../read/deployment.ts";
import { readContents } from "./contents.ts";
import { contractVolumes, placesOf } from "./data.ts";
import type { Facts, VolumeFact } from "./facts.ts";

interface InspectedContainer {
  Name: string;
  Config: { Labels: Record<string, string> | null };
  State: { Running: boolean };
  HostConfig: { PortBindings: Record<string, { HostPort: string }[] | null> | null };
  Mounts: { Type: string; Name?: string }[];
}

/** Reads what a plan needs to know of the host; looks into the places where data may lie, and changes nothing. */
export async function readFacts(where: FactoryHost, deployment: Deployment, answered: Place[]): Promise<Facts> {
  const containers = await listContainers(where.host);
  const volumes = await listVolumes(where.host, containers);
  const places = candidates(where, deployment, volumes, answered);
  const { free, places: contents } = await readContents(where, places);
  const factories = new Set(containers.flatMap(({ Config }) => Config.Labels?.[labelKeys.factory] ?? []));
  return { volumes, contents, free, ports: portsOf(containers), factories };
}

async function listContainers(host: string): Promise<InspectedContainer[]> {
  const ids = await docker(host, ["ps", "--all", "--quiet", "--no-trunc"]);
  return inspect<InspectedContainer>(host, "container", ids === "" ? [] : ids.split("\n"));
}

async function listVolumes(host: string, containers: InspectedContainer[]): Promise<VolumeFact[]> {
  const names = await docker(host, ["volume", "ls", "--quiet"]);
  const found = await inspect<{ Name: string; CreatedAt: string; Labels: Record<string, string> | null }>(
    host,
    "volume",
    names === "" ? [] : names.split("\n"),
  );
  return found.map(({ Name: name, CreatedAt: createdAt, Labels }) => {
    const [migration, factory] = [Labels?.[labelKeys.migration], Labels?.[labelKeys.factory]];
    return {
      name,
      createdAt,
      isAnonymous: /^[0-9a-f]{64}$/.test(name),
      users: containers.filter(({ Mounts }) => Mounts.some((mount) => mount.Name === name)).map(shortName),
      ...(migration === undefined ? {} : { migration }),
      ...(factory === undefined ? {} : { factory }),
    };
  });
}

/** Anonymous volumes that nobody uses: the data of containers that were made anew may lie there. At most so many are looked into. */
const mostAnonymous = 20;

function candidates(
  { factory }: FactoryHost,
  deployment: Deployment,
  volumes: VolumeFact[],
  answered: Place[],
): Place[] {
  const keys = contractVolumes(deployment).map(({ key }) => key);
  // What a container has, or another factory, is somebody's: nobody is to look into it.
  const isNobodys = (volume: VolumeFact) => volume.users.length === 0 && (volume.factory ?? factory) === factory;
  const unused = volumes.filter(isNobodys);
  const isNamedLikeOne = ({ name }: VolumeFact) => keys.some((key) => name.endsWith(`_${key}`));
  const anonymous = unused.filter(({ isAnonymous }) => isAnonymous);
  anonymous.sort((one, other) => other.createdAt.localeCompare(one.createdAt));
  const own = keys.map((key) => volumeName(factory, key));
  const names = new Set([
    ...volumes.map(({ name }) => name).filter((name) => own.includes(name)),
    ...unused.filter(isNamedLikeOne).map(({ name }) => name),
    ...anonymous.slice(0, mostAnonymous).map(({ name }) => name),
  ]);
  const known = (place: Place) => place.kind === "directory" || volumes.some(({ name }) => name === place.name);
  const places = [
    ...placesOf(deployment),
    ...answered,
    ...[...names].map((name): Place => ({ kind: "volume", name })),
  ].filter(known);
  return [...new Map(places.map((place) => [formatPlace(place), place])).values()];
}

function portsOf(containers: InspectedContainer[]): Map<number, string> {
  return new Map(
    containers
      .filter(({ State }) => State.Running)
      .flatMap((container) =>
        Object.values(container.HostConfig.PortBindings ?? {}).flatMap((bindings) =>
          (bindings ?? []).map(({ HostPort }): [number, string] => [Number(HostPort), shortName(container)]),
        ),
      ),
  );
}

function shortName({ Name }: { Name: string }): string {
  return Name.slice(1);
}
