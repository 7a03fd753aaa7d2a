import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { createContainer, type Surroundings } from "./container.ts";
import { edgeStatePath } from "./contract.ts";
import type { FactoryImage } from "./factory-image.ts";

export interface EdgeArgs extends Surroundings {
  image: FactoryImage;
  edge: FactoryConfig["edge"];
  forge?: FactoryConfig["forge"];
}

/** The container that answers on the factory's ports: its landing page, and the way to the forge. */
export class Edge extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Edge", name, {}, opts);
    const { image, edge, forge } = args;
    this.container = createContainer(
      {
        component: "edge",
        image,
        environment: {
          DISINTO_COMPONENT: "edge",
          DISINTO_CONTAINER: "1",
          DISINTO_VERSION: image.labels.version,
          FACTORY_NAME: args.factory,
          FORGE_URL: forge?.url,
        },
        capabilities: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"],
        memory: 256,
        pids: 512,
        run: { kind: "service" },
        // Without noCopy an edge that starts first would leave its own files and owner in the agents' volume.
        mounts: [
          {
            type: "volume",
            source: args.volumes.names.state,
            target: edgeStatePath,
            readOnly: true,
            volumeOptions: { noCopy: true },
          },
        ],
        ports: [
          { internal: 80, external: edge.httpPort },
          { internal: 443, external: edge.httpsPort },
        ],
      },
      args,
      this,
    );
    this.registerOutputs({ containerId: this.container.id });
  }
}
