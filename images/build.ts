import { baseImage } from "../contract/base-image.ts";
import type { ImageName } from "../contract/names.ts";
import { ownFile, projectFile } from "../lib/program-files.ts";
import type { BuiltImage } from "./source.ts";

/** The Dockerfiles of this project, relative to it. */
export const embeddedSource = "docker";

/** What an image is built with. */
export interface Build {
  context: string;
  dockerfile: string;
  args: Record<string, string>;
  platform?: string;
}

/**
 * How an image is built: the context is the checkout, or `docker/` here; the Dockerfile is below its `docker/<image>`, or ours.
 * @param version that the image reports
 */
export function buildOf(image: ImageName, { source, platform, args }: BuiltImage, version: string): Build {
  const embedded: Record<string, string> = source === undefined ? { BASE_IMAGE: baseImage, VERSION: version } : {};
  const context = source === undefined ? ownFile(embeddedSource) : projectFile(source);
  return {
    context,
    dockerfile: source === undefined ? `${context}/${image}/Dockerfile` : `${context}/docker/${image}/Dockerfile`,
    args: { ...embedded, ...args },
    ...(platform === undefined ? {} : { platform }),
  };
}
