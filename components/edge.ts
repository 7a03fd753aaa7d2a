import type { FactoryConfig } from "../config/parse.ts";
import { edgeStatePath } from "../contract/names.ts";
import type { DataVolumes } from "./data-volumes.ts";
import type { FactoryImage } from "./factory-image.ts";
import type { ContainerSpec } from "./spec.ts";

export interface EdgeArgs {
  factory: string;
  volumes: DataVolumes;
  image: FactoryImage;
  edge: FactoryConfig["edge"];
  forge?: FactoryConfig["forge"];
}

/** The container that answers on the factory's ports: its landing page, and the way to the forge. */
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
    limits: { memoryMb: 256, pids: 512 },
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
