import type { GateParameters } from "../contract/gates.ts";
import type { ComponentName } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { docker } from "../host/docker.ts";
import { waitUntilHealthy } from "../host/health.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { checkMounts } from "./mounts.ts";

/** Gives a new container its pids limit, looks at its volumes, and waits until it is healthy where it is a service. */
export async function finish(host: string, parameters: GateParameters<"finish">): Promise<void> {
  const { factory, stack, container, pids, run } = parameters;
  const component = parameters.component as ComponentName;
  // The provider knows no pids limit, the daemon does.
  await docker(host, ["update", `--pids-limit=${pids}`, container]);
  await checkMounts(host, { factory, stack, component, container });
  if (run === "task") return;
  try {
    await waitUntilHealthy(host, container);
  } catch (error) {
    throw new UserError("unhealthy", `The new ${component} ${(error as Error).message}\n${wayBack(stack)}`);
  }
}

/** For whoever runs a plain pulumi; `./factory up` goes back by itself. */
export function wayBack(stack: string): string {
  return `The data volumes are as they were. Go back: ${factoryCommand} rollback --stack ${stack}`;
}
