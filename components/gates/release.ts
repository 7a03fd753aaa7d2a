import * as pulumi from "@pulumi/pulumi";
import type { ImageName } from "../../contract/names.ts";
import type { FactoryImage } from "../factory-image.ts";
import { createGate } from "./gate.ts";

export interface ReleaseRecordArgs {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  /** Names of the hired agents. */
  hired: readonly string[];
  /** The factory's images that come from a registry; none where all are built. */
  images: Partial<Record<ImageName, FactoryImage>>;
  /** IDs of the services' containers. */
  containers: pulumi.Output<string>[];
}

/**
 * Watches the services for a moment after all of them have become healthy, then tags the images of the release on the Docker
 * host, by time: what a rollback finds there, and what keeps them from being pruned. It has to depend on the containers.
 */
export function recordRelease(
  name: string,
  args: ReleaseRecordArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { factory, dockerHost, hired, images, containers } = args;
  return createGate(
    name,
    {
      gate: "release",
      dockerHost,
      parameters: { factory, hired: JSON.stringify(hired), images: releasedImages(images) },
      triggers: [...Object.values(images).map(({ id }) => id), ...containers],
    },
    opts,
  );
}

/** {@link ReleasedImage}s as JSON. */
export function releasedImages(images: Partial<Record<ImageName, FactoryImage>>): pulumi.Output<string> {
  const released = Object.entries(images).map(([image, { id, labels }]) => ({ image, version: labels.version, id }));
  return pulumi.jsonStringify(released);
}
