import type { FileService } from "./compose-file.ts";
import { environmentOf, type InspectedContainer, type InspectedImage, mountsOf } from "./containers.ts";
import type { Mount } from "./deployment.ts";

/** A container, and what the file says of its service now. */
export interface Compared {
  project: string;
  /** Undefined where the file has no such service. */
  said: FileService | undefined;
  container: InspectedContainer;
  images: Map<string, InspectedImage>;
}

/** Where a container is not what the file would make now, a sentence each; of variables only names. */
export function differencesOf({ project, said, container, images }: Compared): string[] {
  const name = container.Name.slice(1);
  if (said === undefined) return [`${name} runs a service that the compose file has not.`];
  return [
    ...imageDifference(name, said, container, images),
    ...environmentDifference(name, said, container, images.get(container.Image)),
    ...mountsDifference(name, said.mounts(project), mountsOf(container)),
  ];
}

function imageDifference(
  name: string,
  said: FileService,
  container: InspectedContainer,
  images: Map<string, InspectedImage>,
): string[] {
  const runs = container.Config.Image;
  if (said.image !== undefined && said.image !== runs) {
    return [`${name} runs the image ${runs}, the file says ${said.image}${said.builds ? ", built here" : ""}.`];
  }
  const newest = images.get(runs);
  if (newest === undefined || newest.Id === container.Image) return [];
  return [`${name} runs an older image than the one that is ${runs} on this host now.`];
}

function environmentDifference(
  name: string,
  { environment }: FileService,
  container: InspectedContainer,
  image?: InspectedImage,
): string[] {
  const all = environmentOf(container);
  const given = environmentOf(container, image);
  const list = (names: string[]) => names.sort().join(", ");
  const missing = Object.keys(environment).filter((key) => !(key in all));
  const other = Object.keys(environment).filter((key) => key in all && all[key] !== environment[key]);
  const more = Object.keys(given).filter((key) => !(key in environment));
  return [
    ...(other.length > 0 ? [`${name} has other values than the file of ${list(other)}.`] : []),
    ...(missing.length > 0 ? [`${name} runs without ${list(missing)}, which the file sets.`] : []),
    ...(more.length > 0 ? [`${name} has ${list(more)}, which the file does not set.`] : []),
  ];
}

function mountsDifference(name: string, said: Mount[], found: Mount[]): string[] {
  // The volumes of the image's VOLUME paths are in no file.
  const named = found.filter((mount) => mount.kind !== "anonymous");
  const expected = said.filter((mount) => mount.kind !== "anonymous");
  const lacks = (mounts: Mount[], one: Mount) => !mounts.some((other) => text(other) === text(one));
  return [
    ...expected
      .filter((mount) => lacks(named, mount))
      .map((mount) => `${name} runs without ${text(mount)}, which the file mounts.`),
    ...named
      .filter((mount) => lacks(expected, mount))
      .map((mount) => `${name} has ${text(mount)}, which the file does not mount.`),
  ];
}

function text(mount: Mount): string {
  if (mount.kind === "tmpfs") return `a tmpfs at ${mount.target}`;
  const what = mount.kind === "bind" ? mount.source : `volume ${mount.name}`;
  return `${what} at ${mount.target}${mount.readOnly ? " (read-only)" : ""}`;
}
