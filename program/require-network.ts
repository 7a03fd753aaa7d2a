import { runError } from "../components/run-error.ts";
import type { FactoryConfig } from "../config/parse.ts";
import { inspect } from "../host/docker.ts";
import { factoryCommand, pulumiCommand } from "../lib/factory-command.ts";

/**
 * Refuses a network of the config that is not there, before any resource is made.
 * @throws RunError, which Pulumi shows without a stack trace
 */
export async function requireNetwork(
  { network, dockerHost }: Pick<FactoryConfig, "network" | "dockerHost">,
  stack: string,
): Promise<void> {
  if (network === undefined || (await inspect(dockerHost, "network", [network])).length > 0) return;
  throw runError(
    "network-missing",
    `There is no network ${network} (disinto:network) on ${dockerHost}. Nothing that runs was touched.\n` +
      `Start what it belongs to, or make it: docker network create ${network}. Then: ${factoryCommand} up --stack ${stack}\n` +
      `To have one of the factory's own: ${pulumiCommand} config rm --stack ${stack} disinto:network`,
  );
}
