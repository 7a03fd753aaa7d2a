import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { type ComponentArgs, type ContainerSpec, createContainer } from "./container.ts";
import type { FactoryImage } from "./factory-image.ts";

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

/** A container in which agents poll the forge and work: the factory's own, or a hired agent's. */
export class Agents extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Agents", name, {}, opts);
    this.container = createContainer(args.spec, args, this);
    this.registerOutputs({ containerId: this.container.id });
  }
}

/** What the agents' container is made of. */
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
    memory: agents.resources.memory,
    pids: agents.resources.pids,
    run: { kind: "service", ...(agents.healthCheck === undefined ? {} : { healthCheck: agents.healthCheck }) },
    mounts: hostMounts(agents),
  };
}

/** To set the owner of the data volumes, and to step down to the user `agent`. */
export const agentCapabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"] as const;

function hostMounts({ claudeDir, sshDir }: AgentsArgs["agents"]): docker.types.input.ContainerMount[] {
  return [
    ...(claudeDir === undefined ? [] : [{ type: "bind", source: claudeDir, target: claudeDir }]),
    ...(sshDir === undefined ? [] : [{ type: "bind", source: sshDir, target: "/home/agent/.ssh", readOnly: true }]),
  ];
}
