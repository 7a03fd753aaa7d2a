import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";

export type DockerHostArgs = Pick<FactoryConfig, "dockerHost" | "images" | "registry"> & {
  /** Reads images from `registry.server`. @default none: `dockerLogin` counts there too */
  registryToken?: pulumi.Input<string> | undefined;
  /** Docker's config.json, which logs in to registries. @default none: images are read without a login */
  dockerLogin?: string | undefined;
};

/** The Docker daemon a factory runs on, and the logins with which it reads images. */
export function createDockerHost(name: string, args: DockerHostArgs): docker.Provider {
  return new docker.Provider(name, { host: args.dockerHost, registryAuth: registryAuth(args) });
}

/** A login for every registry an image comes from; the token for its own, Docker's login for the others. */
function registryAuth(args: DockerHostArgs): docker.types.input.ProviderRegistryAuth[] {
  const { images, registry, registryToken, dockerLogin } = args;
  const sources = Object.values(images).flatMap((source) => (source.kind === "registry" ? [source] : []));
  const servers = [...new Set(sources.map(({ reference }) => reference.server))];
  return servers.flatMap((server): docker.types.input.ProviderRegistryAuth[] => {
    // What the provider asks for an image without a registry.
    const address = server === "docker.io" ? "registry-1.docker.io" : server;
    if (server === registry.server && registryToken !== undefined) {
      return [{ address, username: registry.username, password: pulumi.secret(registryToken) }];
    }
    return dockerLogin === undefined ? [] : [{ address, configFile: dockerLogin }];
  });
}
