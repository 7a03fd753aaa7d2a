import { servicesWith, snapshotContainerName } from "../../contract/names.ts";
import { ask, inspect } from "../../host/docker.ts";
import { inspectComponents, type Named } from "../../host/factory-containers.ts";

/** Seconds a container may take to start. */
const patience = 60;

interface Inspected {
  Name: string;
  State: { Status: string };
}

/** Names of the services' containers that are stopped, though no snapshot or restore has stopped them. Pulumi does not see it. */
export async function findStopped(named: Named): Promise<string[]> {
  const { factory, hired, host } = named;
  const found = await inspectComponents<Inspected>(named);
  const stopped = servicesWith(hired).flatMap((service) => {
    const container = found[service];
    return container !== undefined && ["exited", "dead"].includes(container.State.Status)
      ? [container.Name.slice(1)]
      : [];
  });
  if (stopped.length === 0) return [];
  const helpers = await inspect(host, "container", [snapshotContainerName(factory)]);
  return helpers.length > 0 ? [] : stopped;
}

/** Starts services that a machine which stopped has left stopped: a daemon that was killed does not start all again. */
export async function startStopped(named: Named): Promise<void> {
  for (const name of await findStopped(named)) {
    const { exitCode, output } = await ask(named.host, ["start", name], patience);
    console.log(exitCode === 0 ? `${name} was stopped, and is started.` : `${name} does not start: ${output}`);
  }
}
