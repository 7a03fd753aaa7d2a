import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { Agents } from "./agents.ts";
import type { Surroundings } from "./container.ts";
import { type ImageName, imageNames, networkName } from "./contract.ts";
import { DataVolumes } from "./data-volumes.ts";
import { Edge } from "./edge.ts";
import { FactoryImage } from "./factory-image.ts";
import type { RunnableImage } from "./image-digests.ts";
import { factoryLabels } from "./labels.ts";
import { recordRelease } from "./release-record.ts";
import { Reproduce } from "./reproduce.ts";
import { Runner } from "./runner.ts";

export type FactoryArgs = Omit<FactoryConfig, "forgeToken" | "registryToken" | "registry" | "images"> & {
  images: Record<ImageName, RunnableImage>;
  /** @default none: the agents start, and say in their heartbeat that they have no forge */
  forgeToken?: pulumi.Input<string>;
};

/**
 * A factory: its images, data volumes, network, and the four containers.
 *
 * @example
 * const host = createDockerHost("docker-host", config);
 * const images = await resolveDigests(config.images, host);
 * new Factory("factory", { ...config, images }, { providers: { docker: host } });
 */
export class Factory extends pulumi.ComponentResource {
  /** ID of the image each component runs. */
  readonly imageIds: Record<ImageName, pulumi.Output<string>>;

  constructor(name: string, args: FactoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Factory", name, {}, opts);

    const { factoryName: factory, dockerHost, forge, agents, edge } = args;
    const forgeToken = args.forgeToken === undefined ? undefined : pulumi.secret(args.forgeToken);
    const image = (key: ImageName) =>
      new FactoryImage(`${key}-image`, { factory, dockerHost, image: key, source: args.images[key] }, { parent: this });
    const images = { agents: image("agents"), reproduce: image("reproduce"), edge: image("edge") };
    const around = this.surroundings(
      args,
      Object.values(images).map(({ checked }) => checked),
    );

    const theAgents = new Agents(
      "agents",
      { ...around, image: images.agents, agents, forge, forgeToken },
      { parent: this },
    );
    const runner = new Runner(
      "runner",
      { ...around, image: images.agents, resources: agents.resources },
      { parent: this },
    );
    const reproduce = new Reproduce(
      "reproduce",
      { ...around, image: images.reproduce, resources: agents.resources, forge, forgeToken },
      { parent: this },
    );
    const theEdge = new Edge(
      "edge",
      { ...around, image: images.edge, edge, forge },
      { parent: this, dependsOn: theAgents },
    );

    const pulled = imageNames.filter((key) => args.images[key].kind === "registry");
    if (pulled.length > 0) {
      recordRelease(
        "release-record",
        { factory, dockerHost: args.dockerHost, images: pulled.map((key) => [key, images[key]]) },
        { parent: this, dependsOn: [theAgents, runner, reproduce, theEdge] },
      );
    }

    this.imageIds = { agents: images.agents.id, reproduce: images.reproduce.id, edge: images.edge.id };
    this.registerOutputs({ imageIds: this.imageIds });
  }

  private surroundings(
    { factoryName: factory, dockerHost, images }: FactoryArgs,
    before: pulumi.Resource[],
  ): Surroundings {
    const network = new docker.Network(
      "network",
      { name: networkName(factory), driver: "bridge", labels: factoryLabels(factory) },
      // Containers go down with the network they are on.
      { parent: this, dependsOn: before },
    );
    const pinned = Object.values(images).every((source) => source.kind === "registry");
    const volumes = new DataVolumes("data", { factory, protect: pinned }, { parent: this });
    return { factory, dockerHost, network, volumes, before };
  }
}
