import { UserError } from "../../contract/user-error.ts";
import { inspect } from "../../host/docker.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import type { StackState, StateResource } from "../../pulumi/state.ts";
import type { Workspace } from "../../pulumi/workspace.ts";

const kinds = {
  container: "docker:index/container:Container",
  network: "docker:index/network:Network",
  volume: "docker:index/volume:Volume",
} as const;
type Kind = keyof typeof kinds;

/**
 * What makes pulumi look at the Docker host, where something of the state is gone from it: removed by hand, or by `docker system
 * prune`. Without that pulumi sees no changes. Says what is gone.
 * @throws UserError where it is a data volume: `up` would go on with an empty one
 */
export async function refreshOptions(workspace: Workspace, { resources }: StackState): Promise<string[]> {
  const { dockerHost } = workspace.config;
  if (!resources.some(({ type, inputs }) => type === "pulumi:providers:docker" && inputs?.host === dockerHost))
    return [];
  const volumes = await findMissing("volume", resources, dockerHost);
  if (volumes.length > 0) throw lostVolumes(workspace, volumes);
  const others = [
    ...(await findMissing("container", resources, dockerHost)),
    ...(await findMissing("network", resources, dockerHost)),
  ];
  if (others.length === 0) return [];
  console.log(`Gone from the Docker host, to be made anew: ${others.join(", ")}.`);
  return ["--refresh"];
}

async function findMissing(kind: Kind, resources: StateResource[], host: string): Promise<string[]> {
  const known = resources.filter(({ type }) => type === kinds[kind]);
  if (known.length === 0) return [];
  const ids = known.map(({ id }) => id ?? "");
  const found = await inspect<{ Id?: string; Name: string }>(host, kind, ids);
  const present = new Set(found.flatMap(({ Id, Name }) => [Id, Name]));
  return known.filter(({ id }) => !present.has(id)).map(({ inputs }) => String(inputs?.name));
}

function lostVolumes({ stack, config }: Workspace, names: string[]): UserError {
  return new UserError(
    "data-volumes-missing",
    `Gone from ${config.dockerHost}, with the data that was in them: ${names.join(", ")}. Nothing was touched.\n` +
      "Somebody deleted them (docker volume rm, docker volume prune). Put them back from a copy, under these names.\n" +
      `Only to go on without that data: ${names.map((name) => `docker volume create ${name}`).join(" && ")}, then ${factoryCommand} up --stack ${stack}`,
  );
}
