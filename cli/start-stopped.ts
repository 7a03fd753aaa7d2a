import { servicesWith, snapshotContainerName } from "../components/contract.ts";
import { ask, inspect } from "./docker.ts";
import type { Workspace } from "./engine.ts";
import { inspectComponents, namesIn } from "./running.ts";

/** Seconds a container may take to start. */
const patience = 60;

interface Inspected {
  Name: string;
  State: { Status: string };
}

/**
 * Starts services that a machine which stopped has left stopped: a daemon that was killed does not start all again, and pulumi does
 * not see it. What a snapshot or a restore has stopped stays as it is.
 */
export async function startStopped({ config }: Workspace): Promise<void> {
  const named = namesIn(config);
  const { factory, hired, host: dockerHost } = named;
  const helpers = await inspect(dockerHost, "container", [snapshotContainerName(factory)]);
  if (helpers.length > 0) return;
  const found = await inspectComponents<Inspected>(named);
  for (const service of servicesWith(hired)) {
    const container = found[service];
    if (container === undefined || !["exited", "dead"].includes(container.State.Status)) continue;
    const name = container.Name.slice(1);
    const { exitCode, output } = await ask(dockerHost, ["start", name], patience);
    console.log(exitCode === 0 ? `${name} was stopped, and is started.` : `${name} does not start: ${output}`);
  }
}
