import type * as pulumi from "@pulumi/pulumi";
import type { ImageName } from "../../contract/names.ts";
import type { FactoryImage } from "../factory-image.ts";
import { createGate } from "./gate.ts";
import { releasedImages } from "./release.ts";

export interface HookArgs {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  when: "before" | "after";
  /** @default none */
  command: string | undefined;
  images: Record<ImageName, FactoryImage>;
}

/** Runs a command of the people's own when an image changes. It is there without one too: a new hook is no change of an image. */
export function createHook(args: HookArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { factory, dockerHost, when, command = "", images } = args;
  return createGate(
    `hook-${when}`,
    {
      gate: "hook",
      dockerHost,
      parameters: {
        factory,
        when,
        command,
        images: releasedImages(images),
      },
      triggers: Object.values(images).map(({ id }) => id),
      progress: true,
    },
    opts,
  );
}
