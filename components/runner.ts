import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { agentCapabilities } from "./agents.ts";
import { type ComponentArgs, type ContainerSpec, createContainer } from "./container.ts";
import type { FactoryImage } from "./factory-image.ts";

export interface RunnerArgs {
  factory: string;
  /** The agents' image: the runner has none of its own. */
  image: FactoryImage;
  resources: FactoryConfig["agents"]["resources"];
}

/** The container that carries out one approved action when it is started. It knows no forge and no token. */
export class Runner extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Runner", name, {}, opts);
    this.container = createContainer(args.spec, args, this);
    this.registerOutputs({ containerId: this.container.id });
  }
}

/** What the runner's container is made of. */
export function runnerSpec(args: RunnerArgs): ContainerSpec {
  return {
    component: "runner",
    image: args.image,
    environment: {
      DISINTO_COMPONENT: "runner",
      DISINTO_CONTAINER: "1",
      DISINTO_VERSION: args.image.labels.version,
      FACTORY_NAME: args.factory,
    },
    capabilities: agentCapabilities,
    memory: args.resources.memory,
    pids: args.resources.pids,
    run: { kind: "task" },
  };
}
