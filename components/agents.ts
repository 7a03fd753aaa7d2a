import type * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import type { FactoryImage } from "./factory-image.ts";
import type { ContainerSpec, Mount } from "./spec.ts";

/** Secret variables by name. */
export type Variables = Record<string, pulumi.Output<string>>;

export interface AgentsArgs {
  factory: string;
  image: FactoryImage;
  agents: FactoryConfig["agents"];
  forge?: FactoryConfig["forge"];
  /** @default none: the agents start, and say in their heartbeat that they have no forge */
  forgeToken?: pulumi.Output<string>;
  /** Besides the forge's token. @default none */
  secrets?: Variables;
}

/** The container in which agents poll the forge and work: the factory's own, or a hired agent's. */
export function agentsSpec({ factory, image, agents, forge, forgeToken, secrets }: AgentsArgs): ContainerSpec {
  return {
    component: "agents",
    image,
    environment: {
      ...agents.environment,
      ...secrets,
      DISINTO_COMPONENT: "agents",
      DISINTO_CONTAINER: "1",
      DISINTO_VERSION: image.labels.version,
      FACTORY_NAME: factory,
      FORGE_URL: forge?.url,
      FORGE_REPO: forge?.repo,
      FORGE_TOKEN: forgeToken,
      AGENT_ROLES: agents.roles.join(" "),
      POLL_INTERVAL: String(agents.pollInterval),
      ARCHITECT_INTERVAL: String(agents.architectInterval),
      PLANNER_INTERVAL: String(agents.plannerInterval),
      SUPERVISOR_INTERVAL: String(agents.supervisorInterval),
      CLAUDE_CONFIG_DIR: agents.claudeDir === undefined ? undefined : `${agents.claudeDir}/config`,
    },
    capabilities: agentCapabilities,
    limits: { memoryMb: agents.resources.memory, pids: agents.resources.pids },
    run: { kind: "service", ...(agents.healthCheck === undefined ? {} : { healthCheck: agents.healthCheck }) },
    mounts: hostMounts(agents),
  };
}

/** To set the owner of the data volumes, and to step down to the user `agent`. */
export const agentCapabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"] as const;

function hostMounts({ claudeDir, sshDir }: AgentsArgs["agents"]): Mount[] {
  const mounts: Mount[] = [];
  if (claudeDir !== undefined) mounts.push({ type: "bind", source: claudeDir, target: claudeDir });
  if (sshDir !== undefined) mounts.push({ type: "bind", source: sshDir, target: "/home/agent/.ssh", readOnly: true });
  return mounts;
}
