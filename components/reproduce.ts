import type * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { agentCapabilities } from "./agents.ts";
import type { FactoryImage } from "./factory-image.ts";
import type { ContainerSpec } from "./spec.ts";

export interface ReproduceArgs {
  factory: string;
  image: FactoryImage;
  resources: FactoryConfig["agents"]["resources"];
  forge?: FactoryConfig["forge"];
  /** @default none: issues of a private repository cannot be read */
  forgeToken?: pulumi.Output<string>;
}

/** The container that reproduces one issue when it is started. */
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
    limits: { memoryMb: args.resources.memory, pids: args.resources.pids },
    run: { kind: "task" },
  };
}
