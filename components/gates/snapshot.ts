import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../../config/parse.ts";
import type { ImageName } from "../../contract/names.ts";
import type { FactoryImage } from "../factory-image.ts";
import { createGate } from "./gate.ts";
import { releasedImages } from "./release.ts";

export interface SnapshotArgs {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  /** Names of the hired agents. */
  hired: readonly string[];
  images: Record<ImageName, FactoryImage>;
  snapshots: NonNullable<FactoryConfig["snapshots"]>;
  password: pulumi.Input<string>;
}

/** Takes a snapshot of the data volumes before an image changes. */
export function createSnapshot(name: string, args: SnapshotArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { factory, dockerHost, hired, images, snapshots, password } = args;
  return createGate(
    name,
    {
      gate: "snapshot",
      dockerHost,
      parameters: {
        factory,
        hired: JSON.stringify(hired),
        images: releasedImages(images),
        repository: snapshots.repository,
        password: pulumi.secret(password),
        keep: String(snapshots.keep),
      },
      triggers: Object.values(images).map(({ id }) => id),
      progress: true,
    },
    opts,
  );
}
