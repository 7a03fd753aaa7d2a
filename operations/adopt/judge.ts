import { networkName } from "../../contract/names.ts";
import { inspect } from "../../host/docker.ts";
import { readState } from "../../pulumi/state.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import type { Leftover } from "../upgrade/leftovers.ts";
import { differences, type ImageConfig, type Inspected } from "./compare.ts";
import { fillIn, type Planned, type Properties, revealAll } from "./plan.ts";

/** Something on the host, and what the program wants in its place; unknown no more. */
export interface Fit {
  leftover: Leftover;
  wanted: Planned;
}

/** What was found on the host, by whether it can stay. */
export interface Judged {
  fits: Fit[];
  misfits: { leftover: Leftover; why: string[] }[];
  /** All that the program wants and the state does not know. */
  planned: Planned[];
}

const containerType = "docker:index/container:Container";
const networkType = "docker:index/network:Network";

interface InspectedNetwork {
  Id: string;
  Driver: string;
  Internal: boolean;
  EnableIPv6: boolean;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
}

/** Compares what is there with what is wanted, the network first: containers go with it. */
export async function judge(workspace: Workspace, plan: Planned[], leftovers: Leftover[]): Promise<Judged> {
  const { dockerHost: host, factoryName, network = networkName(factoryName) } = workspace.config;
  const known = (await readState(workspace)).resources;
  const urns = new Set(known.map(({ urn }) => urn));
  const planned = plan.filter(({ urn }) => !urns.has(urn));
  const result: Judged = { fits: [], misfits: [], planned };

  const networks = leftovers.filter(({ kind }) => kind === "network");
  const found = await inspect<InspectedNetwork>(
    host,
    "network",
    networks.map(({ id }) => id),
  );
  let networkId = known.find(({ type }) => type === networkType)?.id;
  for (const leftover of networks) {
    const wanted = planned.find(({ type }) => type === networkType);
    const why = networkDifferences(
      wanted?.inputs,
      found.find(({ Id }) => Id === leftover.id),
      networkId !== undefined,
    );
    if (wanted === undefined || why.length > 0) result.misfits.push({ leftover, why });
    else {
      networkId = leftover.id;
      result.fits.push({ leftover, wanted });
    }
  }

  const ids = leftovers.flatMap(({ kind, id }) => (kind === "container" ? [id] : []));
  const containers = await inspect<Inspected>(host, "container", ids);
  const images = await readImages(host, containers);
  for (const leftover of leftovers.filter(({ kind }) => kind === "container")) {
    const wanted = planned.find(({ type, inputs }) => type === containerType && inputs.name === leftover.name);
    const container = containers.find(({ Id }) => Id === leftover.id);
    if (wanted === undefined || container === undefined) {
      result.misfits.push({ leftover, why: ["the state knows another one"] });
      continue;
    }
    const filled = networkId === undefined ? wanted : fillIn(wanted, networkId);
    const inputs = revealAll(filled.inputs) as Properties;
    const why = [
      ...differences(inputs, container, images.get(container.Image) ?? noImage, network),
      ...onNetwork(inputs, container),
      ...(startable(wanted.inputs, container) ? [] : [`it does not run (${container.State.Status})`]),
    ];
    if (why.length > 0) result.misfits.push({ leftover, why });
    else result.fits.push({ leftover, wanted: filled });
  }
  return result;
}

const noImage: ImageConfig = { Env: [], Labels: {}, Cmd: [], Entrypoint: [], User: "", WorkingDir: "" };

async function readImages(host: string, containers: Inspected[]): Promise<Map<string, ImageConfig>> {
  const ids = [...new Set(containers.map(({ Image }) => Image))];
  const images = await inspect<{ Id: string; Config: ImageConfig }>(host, "image", ids);
  return new Map(images.map(({ Id, Config }) => [Id, Config]));
}

function networkDifferences(
  inputs: Properties | undefined,
  found: InspectedNetwork | undefined,
  another: boolean,
): string[] {
  if (inputs === undefined || found === undefined || another) return ["the state knows another one"];
  const labels = (revealAll(inputs.labels) as { label: string; value: string }[]).map(
    (it) => `${it.label}=${it.value}`,
  );
  const has = Object.entries(found.Labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    ...(found.Driver === inputs.driver ? [] : ["driver"]),
    ...(labels.sort().join("\n") === has.sort().join("\n") ? [] : ["labels"]),
    ...(found.Internal || found.EnableIPv6 || Object.keys(found.Options ?? {}).length > 0 ? ["options"] : []),
  ];
}

/** Two networks can have one name. */
function onNetwork(inputs: Properties, { NetworkSettings }: Inspected): string[] {
  const wanted = ((inputs.networksAdvanced ?? []) as { name: string }[]).map(({ name }) => name);
  const found = Object.values(NetworkSettings.Networks).map(({ NetworkID }) => NetworkID);
  // A task that was never started is on no network yet, and names the one it is going to be on.
  return found.every((id) => id === "" || wanted.includes(id)) ? [] : ["network (another of the same name)"];
}

/** A service that stopped is not healthy; a task waits to be started. */
function startable({ mustRun }: Properties, { State }: Inspected): boolean {
  return mustRun === false || State.Status === "running";
}
