import type { FactoryConfig } from "../config/parse.ts";
import { agentCapabilities } from "./agents.ts";
import type { FactoryImage } from "./factory-image.ts";
import type { ContainerSpec } from "./spec.ts";

export interface RunnerArgs {
  factory: string;
  /** The agents' image: the runner has none of its own. */
  image: FactoryImage;
  resources: FactoryConfig["agents"]["resources"];
}

/** The container that carries out one approved action when it is started. It knows no forge and no token. */
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
    limits: { memoryMb: args.resources.memory, pids: args.resources.pids },
    run: { kind: "task" },
  };
}
