import type * as pulumi from "@pulumi/pulumi";
import type { HealthCheck } from "../contract/gates.ts";
import type { ComponentName } from "../contract/names.ts";
import type { DataVolumes } from "./data-volumes.ts";
import type { FactoryImage } from "./factory-image.ts";

/** What a container of the factory is made of. In words of our own: container.ts alone knows the provider's. */
export interface ContainerSpec {
  component: ComponentName;
  image: FactoryImage;
  environment: Record<string, pulumi.Input<string> | undefined>;
  /** Capabilities added back, without `CAP_`. */
  capabilities: readonly string[];
  limits: { memoryMb: number; pids: number };
  run: RunMode;
  /** Besides the data volumes of the image. @default none */
  mounts?: Mount[];
  /** @default none is published */
  ports?: Port[];
}

/** Services run and restart; tasks are created ready, and started by whoever needs them. */
export type RunMode =
  | {
      kind: "service";
      /** @default the image's own */
      healthCheck?: HealthCheck;
    }
  | { kind: "task" };

export interface Mount {
  type: "volume" | "bind";
  /** Name of the volume, or path on the host. */
  source: pulumi.Input<string>;
  /** Path in the container. */
  target: string;
  /** @default false */
  readOnly?: boolean;
}

interface Port {
  /** In the container. */
  internal: number;
  /** On the host. */
  external: number;
}

/** What every container of a factory needs from the factory. */
export interface Surroundings {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  /** ID of the network the containers are on. */
  networkId: pulumi.Input<string>;
  volumes: DataVolumes;
  /** What has to be there, all of it, before any container is made or replaced. */
  before: pulumi.Resource[];
}

/** What a component is made of, and where. */
export interface ComponentArgs extends Surroundings {
  spec: ContainerSpec;
}
