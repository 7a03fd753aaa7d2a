import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { edgeStatePath } from "../contract/names.ts";
import { type ComponentArgs, type ContainerSpec, createContainer } from "./container.ts";
import type { DataVolumes } from "./data-volumes.ts";
import type { FactoryImage } from "./factory-image.ts";

export interface EdgeArgs {
  factory: string;
  volumes: DataVolumes;
  image: FactoryImage;
  edge: FactoryConfig["edge"];
  forge?: FactoryConfig["forge"];
}

/** The container that answers on the factory's ports: its landing page, and the way to the forge. */
export class Edge extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Edge", name, {}, opts);
    this.container = createContainer(args.spec, args, this);
    this.registerOutputs({ containerId: this.container.id });
  }
}

/** What the edge's container is made of. */
export function edgeSpec({ factory, volumes, image, edge, forge }: EdgeArgs): ContainerSpec {
  return {
    component: "edge",
    image,
    environment: {
      DISINTO_COMPONENT: "edge",
      DISINTO_CONTAINER: "1",
      DISINTO_VERSION: image.labels.version,
      FACTORY_NAME: factory,
      FORGE_URL: forge?.url,
      EDGE_ROUTES: edge.routes?.length ? JSON.stringify(edge.routes) : undefined,
    },
    capabilities: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"],
    memory: 256,
    pids: 512,
    run: { kind: "service" },
    // The agents come first and fill their volume: Docker would copy what the edge's image has there into an empty one. The
    // vendor's plugin takes no volumeOptions (noCopy) with a Docker before API 1.45.
    mounts: [{ type: "volume", source: volumes.nameOf("state"), target: edgeStatePath, readOnly: true }],
    ports: [
      { internal: 80, external: edge.httpPort },
      { internal: 443, external: edge.httpsPort },
    ],
  };
}
