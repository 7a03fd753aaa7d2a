import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { type GivenVariable, refusedVariable } from "../config/variables.ts";
import { hiredComponent } from "../contract/names.ts";
import { type AgentsArgs, agentsSpec, type Variables } from "./agents.ts";
import { runError } from "./run-error.ts";
import type { ContainerSpec } from "./spec.ts";

export interface HiredArgs extends Omit<AgentsArgs, "secrets"> {
  name: string;
  hired: FactoryConfig["agents"]["hired"][string];
  /** Its own; a FORGE_TOKEN among them takes the place of `forgeToken`. @default none */
  secrets?: Variables;
}

/** What the container of an agent hired under a name of its own is made of: the agents' in all that it is not told itself. */
export function hiredSpec({ name, hired, secrets = {}, ...args }: HiredArgs): ContainerSpec {
  const { roles, pollInterval, model, environment } = hired;
  const { FORGE_TOKEN = args.forgeToken, ...others } = secrets;
  const spec = agentsSpec({
    ...args,
    agents: { ...args.agents, roles, pollInterval, environment: { ...args.agents.environment, ...environment } },
    secrets: others,
    ...(FORGE_TOKEN === undefined ? {} : { forgeToken: FORGE_TOKEN }),
  });
  return {
    ...spec,
    component: hiredComponent(name),
    environment: {
      ...spec.environment,
      ...(model?.url === undefined ? {} : { ANTHROPIC_BASE_URL: model.url }),
      ...(model?.name === undefined ? {} : { ANTHROPIC_MODEL: model.name }),
    },
  };
}

/**
 * Secret variables of an agent, as the secrets they are.
 * @throws RunError where one is not the agent's to have
 */
export function secretVariables(
  given: Record<string, pulumi.Input<string>> | undefined,
  whose: Pick<GivenVariable, "hired"> = {},
): Variables {
  return Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => {
      const reason = refusedVariable({ name, ...whose, secret: true });
      if (reason !== undefined) throw runError("config-invalid", `The secret variable ${name} of agents ${reason}.`);
      return [name, pulumi.secret(value)];
    }),
  );
}
