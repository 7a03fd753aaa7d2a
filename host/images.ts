import { componentOf, containerName, type ImageName, labelKeys } from "../contract/names.ts";
import type { ImageConfig } from "../images/manifest.ts";
import { docker, inspect } from "./docker.ts";

/**
 * The config of an image that a Docker host has; undefined where it has none.
 * @param image its ID, or its reference by digest
 */
export async function readFromHost(host: string, image: string): Promise<ImageConfig | undefined> {
  const [found] = await inspect<{ Config: ImageConfig }>(host, "image", [image]);
  return found?.Config;
}

/** The architecture of a Docker host, as Go names it: `amd64`. */
export function readArchitecture(host: string): Promise<string> {
  return docker(host, ["version", "--format", "{{.Server.Arch}}"]);
}

/** The reference of the image that a factory runs now; undefined where it runs none. */
export async function readRunningReference(
  host: string,
  factory: string,
  image: ImageName,
): Promise<string | undefined> {
  const name = containerName(factory, componentOf(image));
  const [container] = await inspect<{ Config: { Labels: Record<string, string> } }>(host, "container", [name]);
  return container?.Config.Labels[labelKeys.image];
}
