import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { agentCapabilities } from "./agents.ts";
import { type ComponentArgs, type ContainerSpec, createContainer } from "./container.ts";
import type { FactoryImage } from "./factory-image.ts";

export interface ReproduceArgs {
  factory: string;
  image: FactoryImage;
  resources: FactoryConfig["agents"]["resources"];
  forge?: FactoryConfig["forge"];
  /** @default none: issues of a private repository cannot be read */
  forgeToken?: pulumi.Output<string>;
}

/** The container that reproduces one issue when it is started. */
export class Reproduce extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Reproduce", name, {}, opts);
    this.container = createContainer(args.spec, args, this);
    this.registerOutputs({ containerId: this.container.id });
  }
}

/** What reproduce's container is made of. */
export function reproduceSpec(args: ReproduceArgs): ContainerSpec {
  return {
    component: "reproduce",
    image: args.image,
    environment: {
      DISINTO_COMPONENT: "reproduce",
      DISINTO_CONTAINER: "1",
      DISINTO_VERSION: args.image.labels.version,
      FACTORY_NAME: args.factory,
      FORGE_URL: args.forge?.url,
      FORGE_REPO: args.forge?.repo,
      FORGE_TOKEN: args.forgeToken,
    },
    capabilities: agentCapabilities,
    memory: args.resources.memory,
    pids: args.resources.pids,
    run: { kind: "task" },
  };
}
