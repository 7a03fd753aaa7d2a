import { labelKeys } from "../../../contract/names.ts";
import { UserError } from "../../../contract/user-error.ts";
import { docker, inspect } from "../../../host/docker.ts";
import { factoryCommand } from "../../../lib/factory-command.ts";
import type { Place } from "../place.ts";
import type { KeptContainer, OldContainer, Plan } from "../plan/plan.ts";

/** Seconds that an old container gets to end by itself. */
const gracePeriod = 60;

/** Name under which an old container is kept. */
export function oldName(name: string): string {
  return `${name}-before-migration`;
}

interface Inspected {
  Id: string;
  Name: string;
  State: { Running: boolean; StartedAt: string };
  Config: { Labels: Record<string, string> | null };
  Mounts: { Name?: string; Source: string; RW: boolean }[];
  HostConfig: { RestartPolicy: { Name: string } };
}

/**
 * Stops the containers, and frees their names; those that are stopped already stay so.
 * @returns whether any ran
 */
export async function setAside(host: string, old: OldContainer[]): Promise<boolean> {
  let ran = false;
  for (const { found, container } of await present(host, old)) {
    if (policyOf(found) !== "no") await docker(host, ["update", "--restart=no", container.id]);
    if (found.State.Running) await docker(host, ["stop", `--time=${gracePeriod}`, container.id]);
    ran ||= found.State.Running;
    const kept = oldName(container.name);
    if (found.Name !== `/${kept}`) await docker(host, ["rename", container.id, kept]);
  }
  return ran;
}

/** Gives the containers their names and restart policies back, and starts those that ran. */
export async function bringBack(host: string, old: OldContainer[]): Promise<void> {
  const problems: string[] = [];
  for (const { found, container } of await present(host, old)) {
    if (found.Name !== `/${container.name}`) await docker(host, ["rename", container.id, container.name]);
    const policy = container.restart || "no";
    if (policyOf(found) !== policy) await docker(host, ["update", `--restart=${policy}`, container.id]);
    if (!container.running || found.State.Running) continue;
    await docker(host, ["start", container.id]).catch(({ message }: Error) => problems.push(message));
  }
  if (problems.length > 0) throw new UserError("docker-failed", problems.join("\n"));
}

/**
 * Refuses to go back where a name of the old containers is another's, or where somebody writes to a place that is to be replaced.
 * @throws UserError with who that is
 */
export async function refuseInUse({ factory, host, stack, old }: Plan, places: Place[]): Promise<void> {
  const ids = await docker(host, ["ps", "--all", "--quiet", "--no-trunc"]);
  const all = await inspect<Inspected>(host, "container", ids === "" ? [] : ids.split("\n"));
  const others = all.filter(({ Config }) => Config.Labels?.[labelKeys.factory] !== factory);
  const again = `Nothing was touched. Then again: ${factoryCommand} migrate --undo --stack ${stack}`;
  const taken = old.find(({ id, name }) => others.some((other) => other.Name === `/${name}` && other.Id !== id));
  if (taken !== undefined) {
    const other = `docker rename ${taken.name} ${taken.name}-other`;
    throw new UserError("name-taken", `Another container is called ${taken.name} now: ${other}. ${again}`);
  }
  const isOf = (mount: Inspected["Mounts"][number]) =>
    places.some((place) => (place.kind === "volume" ? mount.Name === place.name : isInside(mount.Source, place.path)));
  const writer = others.find(({ State, Mounts }) => State.Running && Mounts.some((mount) => mount.RW && isOf(mount)));
  if (writer === undefined) return;
  const name = writer.Name.slice(1);
  throw new UserError(
    "data-in-use",
    `${name} runs, and writes to where the data goes back to: docker stop ${name}. ${again}`,
  );
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Those of the containers that are gone. */
export async function missing(host: string, old: OldContainer[]): Promise<OldContainer[]> {
  const found = await present(host, old);
  return old.filter((container) => !found.some((it) => it.container.id === container.id));
}

/** Names of containers that were to run on untouched, and do not run since the same time. */
export async function disturbed(host: string, kept: KeptContainer[]): Promise<string[]> {
  const running = kept.filter((container) => container.running);
  const found = await inspect<Inspected>(
    host,
    "container",
    running.map(({ id }) => id),
  );
  const same = ({ id, startedAt }: KeptContainer) =>
    found.some(({ Id, State }) => Id === id && State.Running && State.StartedAt === startedAt);
  return running.filter((container) => !same(container)).map(({ name }) => name);
}

/** Docker may leave it empty where there is none. */
function policyOf({ HostConfig }: Inspected): string {
  return HostConfig.RestartPolicy.Name || "no";
}

async function present(host: string, old: OldContainer[]) {
  const found = await inspect<Inspected>(
    host,
    "container",
    old.map(({ id }) => id),
  );
  return found.flatMap((it) => {
    const container = old.find(({ id }) => id === it.Id);
    return container === undefined ? [] : [{ found: it, container }];
  });
}
