import { existsSync, readFileSync } from "node:fs";
import confirm from "@inquirer/confirm";
import { componentsWith, containerName, labelKeys, networkName } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { docker, dockerTry, inspect } from "../../host/docker.ts";
import { factoryCommand, pulumiCommand } from "../../lib/factory-command.ts";
import { historyMessage, runPulumi, unasked } from "../../pulumi/run.ts";
import { listStacks, readState, type StackState } from "../../pulumi/state.ts";
import type { Workspace } from "../../pulumi/workspace.ts";

const containerType = "docker:index/container:Container";
const networkType = "docker:index/network:Network";

/** A container or network on the Docker host that has a name of the factory's, and is not in the stack's state. */
export interface Leftover {
  kind: "container" | "network";
  id: string;
  name: string;
  /** Whether its label says that it is the factory's. */
  own: boolean;
}

/**
 * Removes what keeps `up` from a name it needs: the factory's own containers and network, where an `up` was killed before it
 * wrote down what it had made. They hold no data; no volume is touched.
 *
 * Only after Pulumi held the stack's lock here, which shows that no other `up` is at work.
 * @param ask before anything is removed
 * @returns whether there was anything
 * @throws UserError where the name is somebody else's
 */
export async function removeLeftovers(workspace: Workspace, { ask }: { ask: boolean }): Promise<boolean> {
  const { stack, config } = workspace;
  const leftovers = await findLeftovers(workspace);
  if (leftovers.length === 0) return false;
  await refuseNotOurs(workspace, leftovers);
  console.log(
    `These are factory ${config.factoryName}'s, and the state of stack ${stack} does not know them (an up was killed):\n` +
      `${leftovers.map(({ kind, name }) => `  ${kind} ${name}`).join("\n")}\n` +
      "They hold no data. To be removed and made anew; the data volumes stay as they are.",
  );
  if (ask && !(await confirmed(stack))) throw new UserError("cancelled", "Nothing was removed.");
  await removeFromHost(config.dockerHost, leftovers);
  return true;
}

/**
 * Refuses an `up` of a stack that knows no container, where the host has containers with the factory's names.
 * @throws UserError where they are another stack's, nobody's it knows, or the factory's own, which `adopt` takes over
 */
export async function refuseTakenNames(workspace: Workspace, { resources }: StackState): Promise<void> {
  if (resources.some(({ type }) => type === containerType)) return;
  const leftovers = await findLeftovers(workspace);
  await refuseNotOurs(workspace, leftovers);
  const containers = leftovers.flatMap(({ kind, name }) => (kind === "container" ? [name] : []));
  if (containers.length === 0) return;
  const { stack, config } = workspace;
  throw new UserError(
    "containers-unknown",
    `These are factory ${config.factoryName}'s, and the state of stack ${stack} knows no container (it was lost, or they were made by hand):\n` +
      `${containers.map((name) => `  container ${name}`).join("\n")}\n` +
      `Nothing was touched. Take them over, as they run: ${factoryCommand} adopt --stack ${stack}`,
  );
}

/** Refuses what has the factory's names and is somebody else's. */
export async function refuseNotOurs(workspace: Workspace, leftovers: Leftover[]): Promise<void> {
  refuseForeign(workspace, leftovers);
  await refuseOtherStacks(workspace, leftovers);
}

/**
 * Finds out how the steps of an update ended that was killed, and takes away what it made without writing it down. Returns the
 * state, in which all steps have ended.
 */
export async function finishCutOff(workspace: Workspace, what: string, options: { ask: boolean }): Promise<StackState> {
  const state = await readState(workspace);
  if (!state.cutOff) return state;
  console.log(`Stack ${workspace.stack} has steps that were begun and never ended: looking at what came of them.`);
  await runPulumi(workspace, "refresh", ["--clear-pending-creates", ...historyMessage(what), ...unasked]);
  const after = await readState(workspace);
  // Where neither network nor container was begun, what is there is older than that update.
  const begun = [...after.resources.map(({ type }) => type), ...state.unfinished];
  if ([networkType, containerType].some((type) => begun.includes(type))) await removeLeftovers(workspace, options);
  return after;
}

/** Whether the update with this event log failed for a name that a container has, or two networks have. */
export function nameWasTaken(eventLog: string): boolean {
  const log = existsSync(eventLog) ? readFileSync(eventLog, "utf8") : "";
  return /Conflict\. The container name|is ambiguous \(\d+ matches/.test(log);
}

interface InspectedContainer {
  Id: string;
  Name: string;
  Config: { Labels: Record<string, string> };
}

/** What has the factory's names on the host, and is not in the stack's state. */
export async function findLeftovers(workspace: Workspace): Promise<Leftover[]> {
  const { factoryName, dockerHost, agents, network } = workspace.config;
  const names = componentsWith(Object.keys(agents.hired)).map((component) => containerName(factoryName, component));
  const containers = await inspect<InspectedContainer>(dockerHost, "container", names);
  const known = new Set((await readState(workspace)).resources.map(({ id }) => id));
  const found: Leftover[] = containers.map(({ Id: id, Name, Config }) => {
    return { kind: "container", id, name: Name.slice(1), own: Config.Labels[labelKeys.factory] === factoryName };
  });
  // A network that the config names is somebody else's, whatever its name and labels.
  const networks = network === networkName(factoryName) ? [] : await findNetworks(factoryName, dockerHost);
  return [...found, ...networks].filter(({ id }) => !known.has(id));
}

/** Docker lets several networks have one name, so that somebody else's is not in the way. */
async function findNetworks(factory: string, host: string): Promise<Leftover[]> {
  const name = networkName(factory);
  const filters = [`--filter=name=^${name}$`, `--filter=label=${labelKeys.factory}=${factory}`];
  const ids = await docker(host, ["network", "ls", "--no-trunc", "--quiet", ...filters]);
  return ids.split("\n").flatMap((id) => (id === "" ? [] : [{ kind: "network", id, name, own: true }]));
}

function refuseForeign({ stack, config }: Workspace, leftovers: Leftover[]): void {
  const foreign = leftovers.filter(({ own }) => !own).map(({ name }) => name);
  const [first] = foreign;
  if (first === undefined) return;
  throw new UserError(
    "name-taken",
    `In the way, and not factory ${config.factoryName}'s (no label ${labelKeys.factory}=${config.factoryName}): ${foreign.join(", ")}.\n` +
      `Nothing that runs was touched. Rename it (docker rename ${first} ${first}-old) or remove it, then: ${factoryCommand} up --stack ${stack}`,
  );
}

/** Two stacks with one factory name on one host would take the containers from each other. */
async function refuseOtherStacks(workspace: Workspace, leftovers: Leftover[]): Promise<void> {
  const { stack, config } = workspace;
  if (leftovers.length === 0) return;
  for (const other of await listStacks(workspace)) {
    if (other === stack) continue;
    const known = new Set((await readState(workspace, other)).resources.map(({ id }) => id));
    if (!leftovers.some(({ id }) => known.has(id))) continue;
    throw new UserError(
      "factory-taken",
      `Factory ${config.factoryName} on ${config.dockerHost} is that of stack ${other}. Nothing that runs was touched.\n` +
        `Go on with it: ${factoryCommand} up --stack ${other}\n` +
        `Give stack ${stack} a factory of its own: ${pulumiCommand} config set --stack ${stack} disinto:factoryName <name>\n` +
        `Hand it over, with its data: ${factoryCommand} destroy --stack ${other}, then ${factoryCommand} up --stack ${stack}`,
    );
  }
}

async function confirmed(stack: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "nobody-to-ask",
      `Nobody to ask here. Nothing was removed: ${factoryCommand} up --stack ${stack} --yes`,
      2,
    );
  }
  return confirm({ message: "Remove them, and go on?", default: false });
}

/** Each container has its grace period to end in. */
export async function removeFromHost(host: string, leftovers: Leftover[]): Promise<void> {
  const ids = (wanted: Leftover["kind"]) => leftovers.flatMap(({ kind, id }) => (kind === wanted ? [id] : []));
  const [containers, networks] = [ids("container"), ids("network")];
  if (containers.length > 0) {
    await docker(host, ["stop", ...containers]);
    await docker(host, ["rm", ...containers]);
  }
  if (networks.length > 0) await dockerTry(host, ["network", "rm", ...networks]);
}
