import { docker, inspect } from "../docker.ts";
import type { KeptContainer, OldContainer } from "./plan.ts";

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
  HostConfig: { RestartPolicy: { Name: string } };
}

/** Stops the containers, and frees their names; those that are stopped already stay so. */
export async function setAside(host: string, old: OldContainer[]): Promise<void> {
  for (const { found, container } of await present(host, old)) {
    if (policyOf(found) !== "no") await docker(host, ["update", "--restart=no", container.id]);
    if (found.State.Running) await docker(host, ["stop", `--time=${gracePeriod}`, container.id]);
    const kept = oldName(container.name);
    if (found.Name !== `/${kept}`) await docker(host, ["rename", container.id, kept]);
  }
}

/** Gives the containers their names and restart policies back, and starts those that ran. */
export async function bringBack(host: string, old: OldContainer[]): Promise<void> {
  for (const { found, container } of await present(host, old)) {
    if (found.Name !== `/${container.name}`) await docker(host, ["rename", container.id, container.name]);
    const policy = container.restart || "no";
    if (policyOf(found) !== policy) await docker(host, ["update", `--restart=${policy}`, container.id]);
    if (container.running && !found.State.Running) await docker(host, ["start", container.id]);
  }
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
