import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { type ImageName, keptTag } from "./contract.ts";
import type { FactoryImage } from "./factory-image.ts";

export interface ReleaseRecordArgs {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  /** The factory's images that come from a registry. */
  images: [ImageName, FactoryImage][];
}

/**
 * Tags the images of a release on the Docker host, by time: what a rollback finds there, and what keeps them from being
 * pruned. It has to depend on the containers: a release that never became healthy is not recorded.
 */
export function recordRelease(name: string, args: ReleaseRecordArgs, opts: pulumi.CustomResourceOptions): void {
  const { factory, dockerHost, images } = args;
  const tag = ([image, { labels }]: [ImageName, FactoryImage]) =>
    `docker tag "$${image}" "${keptTag(factory, image, labels.version, "$now")}"`;
  new command.local.Command(
    name,
    {
      create: ["now=$(date -u +%Y%m%dT%H%M%SZ)", ...images.map(tag)].join(" && "),
      environment: { DOCKER_HOST: dockerHost, ...Object.fromEntries(images.map(([image, { id }]) => [image, id])) },
      triggers: images.map(([, { id }]) => id),
      logging: command.local.Logging.Stderr,
    },
    opts,
  );
}
