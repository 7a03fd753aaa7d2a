import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { Agents } from "./agents.ts";
import type { Surroundings } from "./container.ts";
import { type ImageName, networkName } from "./contract.ts";
import { DataVolumes } from "./data-volumes.ts";
import { Edge } from "./edge.ts";
import { FactoryImage } from "./factory-image.ts";
import { factoryLabels } from "./labels.ts";
import { Reproduce } from "./reproduce.ts";
import { Runner } from "./runner.ts";

export type FactoryArgs = Omit<FactoryConfig, "forgeToken" | "registryToken"> & {
  /** @default none: the agents start, and say in their heartbeat that they have no forge */
  forgeToken?: pulumi.Input<string>;
  /** Reads images from `registry.server`. @default none: `dockerLogin` counts there too */
  registryToken?: pulumi.Input<string>;
  /** Docker's config.json, which logs in to registries. @default none: images are read without a login */
  dockerLogin?: string;
};

/**
 * A factory: its images, data volumes, network, and the four containers.
 *
 * @example
 * new Factory("factory", loadConfig());
 */
export class Factory extends pulumi.ComponentResource {
  /** ID of the image each component runs. */
  readonly imageIds: Record<ImageName, pulumi.Output<string>>;

  constructor(name: string, args: FactoryArgs, opts?: pulumi.ComponentResourceOptions) {
    const provider = new docker.Provider("docker-host", { host: args.dockerHost, registryAuth: registryAuth(args) });
    super("disinto:index:Factory", name, {}, { ...opts, providers: { docker: provider } });

    const { factoryName: factory, forge, agents, edge } = args;
    const forgeToken = args.forgeToken === undefined ? undefined : pulumi.secret(args.forgeToken);
    const image = (key: ImageName) =>
      new FactoryImage(`${key}-image`, { factory, image: key, source: args.images[key] }, { parent: this });
    const images = { agents: image("agents"), reproduce: image("reproduce"), edge: image("edge") };
    const around = this.surroundings(args);

    const theAgents = new Agents(
      "agents",
      { ...around, image: images.agents, agents, forge, forgeToken },
      { parent: this },
    );
    new Runner("runner", { ...around, image: images.agents, resources: agents.resources }, { parent: this });
    new Reproduce(
      "reproduce",
      { ...around, image: images.reproduce, resources: agents.resources, forge, forgeToken },
      { parent: this },
    );
    new Edge("edge", { ...around, image: images.edge, edge, forge }, { parent: this, dependsOn: theAgents });

    this.imageIds = { agents: images.agents.id, reproduce: images.reproduce.id, edge: images.edge.id };
    this.registerOutputs({ imageIds: this.imageIds });
  }

  private surroundings({ factoryName: factory, dockerHost, images }: FactoryArgs): Surroundings {
    const network = new docker.Network(
      "network",
      { name: networkName(factory), driver: "bridge", labels: factoryLabels(factory) },
      { parent: this },
    );
    const pinned = Object.values(images).every((source) => source.kind === "registry");
    const volumes = new DataVolumes("data", { factory, protect: pinned }, { parent: this });
    return { factory, dockerHost, network, volumes };
  }
}

/** A login for every registry an image comes from; the token for its own, Docker's login for the others. */
function registryAuth(args: FactoryArgs): docker.types.input.ProviderRegistryAuth[] {
  const { images, registry, registryToken, dockerLogin } = args;
  const sources = Object.values(images).flatMap((source) => (source.kind === "registry" ? [source] : []));
  const servers = [...new Set(sources.map(({ reference }) => reference.server))];
  return servers.flatMap((address): docker.types.input.ProviderRegistryAuth[] => {
    if (address === registry.server && registryToken !== undefined) {
      return [{ address, username: registry.username, password: pulumi.secret(registryToken) }];
    }
    return dockerLogin === undefined ? [] : [{ address, configFile: dockerLogin }];
  });
}
