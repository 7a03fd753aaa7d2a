import { posix } from "node:path";
import { factoryCommand, pulumiCommand } from "../lib/factory-command.ts";
import { nearest } from "../lib/nearest.ts";
import { volumeMounts } from "./mounts.ts";
import { componentOf, type ImageName, images } from "./names.ts";

/**
 * A VOLUME path of an image that no volume is mounted exactly over. Docker makes an anonymous volume for it, which the next
 * container does not get: what was written there seems lost.
 */
export type VolumeShadow =
  /** Above paths that are mounted. */
  | { kind: "parent"; path: string; of: string[] }
  /** Inside a path that is mounted, and over what its volume holds there. */
  | { kind: "nested"; path: string; within: string }
  /** Where one of the contract's paths seems to have gone. */
  | { kind: "moved"; path: string; from: string }
  | { kind: "unknown"; path: string };

/** The VOLUME paths of an image that its containers do not mount, in the order of the image. */
export function findVolumeShadows(image: ImageName, declared: readonly string[]): VolumeShadow[] {
  const mounted = volumeMounts(componentOf(image)).map(({ path }) => path);
  const paths = declared.map(normalised);
  const gone = Object.keys(images[image]).filter((path) => !paths.includes(path));
  return paths.filter((path) => !mounted.includes(path)).map((path) => classify(path, mounted, gone));
}

function classify(path: string, mounted: string[], gone: string[]): VolumeShadow {
  const of = mounted.filter((other) => isInside(other, path));
  if (of.length > 0) return { kind: "parent", path, of };
  const within = mounted.find((other) => isInside(path, other));
  if (within !== undefined) return { kind: "nested", path, within };
  const from = gone.find((other) => posix.basename(other) === posix.basename(path)) ?? nearest(path, gone);
  return from === undefined ? { kind: "unknown", path } : { kind: "moved", path, from };
}

/** As Docker compares it with a mount's target; one that is not absolute is never the same as a target. */
function normalised(path: string): string {
  const clean = posix.normalize(path).replace(/^\/\//, "/");
  return clean.length > 1 ? clean.replace(/\/$/, "") : clean;
}

function isInside(path: string, directory: string): boolean {
  return path.startsWith(directory === "/" ? directory : `${directory}/`);
}

/** An image that was refused, and what there is instead. */
export interface RefusedImage {
  image: ImageName;
  stack: string;
  /** The reference with its digest; for a local build `build:`, the source, and the image's ID. */
  reference: string;
  shadows: VolumeShadow[];
  /** The reference that the factory's container runs. @default none: it runs nothing yet */
  running?: string;
}

/** Says what would happen with the image's VOLUMEs, and the two ways out. */
export function explainVolumeShadows(refused: RefusedImage): string {
  const paths = Object.keys(images[refused.image]).join(" ");
  return [
    `The image ${refused.reference} declares a VOLUME that no data volume of the factory lies over:`,
    ...refused.shadows.flatMap((shadow) => [
      `  ${shadow.path}: ${what(shadow)}`,
      `    ${consequence(shadow, refused)}`,
    ]),
    `  fix: let its Dockerfile declare VOLUME ${paths} and nothing else, and build it as a new version`,
    `  or:  ${wayBack(refused)}`,
  ].join("\n");
}

function what(shadow: VolumeShadow): string {
  switch (shadow.kind) {
    case "parent":
      return `lies above ${shadow.of.join(", ")}`;
    case "nested":
      return `lies inside ${shadow.within}`;
    case "moved":
      return `nothing is mounted there; moved? The contract's path is ${shadow.from}`;
    case "unknown":
      return "nothing is mounted there";
  }
}

function consequence(shadow: VolumeShadow, { image }: RefusedImage): string {
  const lost = "stays behind in an anonymous volume when the container is replaced next";
  switch (shadow.kind) {
    case "parent":
      return `What is written there, beside what is mounted, ${lost}.`;
    case "nested":
      return `What ${volumeAt(image, shadow.within)} holds there would be hidden, and what is written there ${lost}.`;
    case "moved":
      return `The data in ${volumeAt(image, shadow.from)} would not be found there, and what is written there ${lost}.`;
    case "unknown":
      return `What is written there ${lost}.`;
  }
}

function volumeAt(image: ImageName, path: string): string {
  return `the volume ${volumeMounts(componentOf(image)).find((mount) => mount.path === path)?.volume}`;
}

function wayBack({ image, stack, reference, running }: RefusedImage): string {
  if (running === undefined || running === reference) {
    const set = `${pulumiCommand} config set --stack ${stack} disinto:${image}Image <version>`;
    return `go to a version that fits: ${set} (${factoryCommand} rollback --stack ${stack} --list shows what ran here)`;
  }
  if (running.startsWith("build:")) {
    return `go back to the sources of what runs (${running}), then ${factoryCommand} up --stack ${stack}`;
  }
  return `stay on what runs: ${pulumiCommand} config set --stack ${stack} disinto:${image}Image ${running}`;
}
