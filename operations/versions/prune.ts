import { dockerTry, inspect } from "../../host/docker.ts";
import { describeVersion, type InspectedImage, namesByDigest, readKeptReleases } from "./versions.ts";

/**
 * Removes the images of all but the newest releases from the Docker host. What a container uses stays, and so does what has
 * a name of somebody else's. Returns a line for each release that went.
 * @param keep number of releases whose images stay
 */
export async function pruneReleases(factory: string, host: string, keep: number): Promise<string[]> {
  const releases = await readKeptReleases(factory, host);
  const old = releases.slice(keep);
  if (old.length === 0) return [];
  await dockerTry(host, ["rmi", ...old.flatMap(({ tags }) => tags)]);
  const ids = old.flatMap(({ images }) => Object.values(images).map(({ id }) => id));
  const left = await inspect<InspectedImage>(host, "image", [...new Set(ids)]);
  const names = left.flatMap(namesByDigest);
  if (names.length > 0) await dockerTry(host, ["rmi", ...names]);
  return old.map(
    (release) => `Removed the images of ${describeVersion(release)}, deployed ${release.time} (keepReleases: ${keep}).`,
  );
}
