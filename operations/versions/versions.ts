import type { FactoryConfig } from "../../config/parse.ts";
import { describeVersions } from "../../contract/describe-version.ts";
import { keptVersion, parseKeptTag } from "../../contract/kept-tags.ts";
import { componentOf, hostRepository, type ImageName, imageNames } from "../../contract/names.ts";
import { docker } from "../../host/docker.ts";
import type { Running } from "../../host/factory-containers.ts";
import { type ImageReference, parseReference } from "../../images/reference.ts";
import type { ImageKeys } from "../../pulumi/stack-file.ts";

/** An image of a release. */
interface ReleaseImage {
  /** Tag or digest of its reference. */
  version: string;
  /** ID on the Docker host; undefined where it has to be pulled. */
  id?: string;
  /** Its references by digest, as far as they are known. */
  references: ImageReference[];
}

/** Images that ran together and were healthy. */
export interface Release {
  /** When they had become healthy; RFC 3339, in seconds. */
  time: string;
  images: Partial<Record<ImageName, ReleaseImage>>;
  /** The config's image keys with which they were deployed; undefined where the history does not go back so far. */
  keys?: ImageKeys;
}

/** A release whose images the Docker host keeps. */
export interface KeptRelease extends Release {
  images: Partial<Record<ImageName, ReleaseImage & { id: string }>>;
  /** The tags that keep them, of every time it was deployed. */
  tags: string[];
}

/** A config with which an update succeeded. */
export interface Deployment {
  /** When the update ended; RFC 3339. */
  time: string;
  keys: ImageKeys;
  images: FactoryConfig["images"];
}

/** What `docker image inspect` says of an image. */
export interface InspectedImage {
  Id: string;
  /** With containerd's image store also names by digest, `repository@sha256:...`. */
  RepoTags: string[] | null;
  /** With containerd's image store also one for every tag that this program gives. */
  RepoDigests: string[] | null;
}

/** Releases whose images the Docker host keeps, the newest first, each once. */
export async function readKeptReleases(factory: string, host: string): Promise<KeptRelease[]> {
  const repositories = imageNames.map((image) => `--filter=reference=${hostRepository(factory, image)}`);
  const ids = await docker(host, ["image", "ls", "--quiet", "--no-trunc", ...repositories]);
  if (ids === "") return [];
  const images = JSON.parse(await docker(host, ["image", "inspect", ...new Set(ids.split("\n"))])) as InspectedImage[];
  return groupByTime(factory, images);
}

/** Releases from the tags of images on a Docker host, the newest first, each once. */
export function groupByTime(factory: string, images: InspectedImage[]): KeptRelease[] {
  const byTime = new Map<string, KeptRelease>();
  for (const { Id, RepoTags, RepoDigests } of images) {
    for (const tag of RepoTags ?? []) {
      const kept = parseKeptTag(factory, tag);
      if (kept === undefined) continue;
      const release = byTime.get(kept.time) ?? { time: extended(kept.time), images: {}, tags: [] };
      const references = pulledReferences(factory, kept.image, RepoDigests ?? []);
      release.images[kept.image] = { version: kept.version, id: Id, references: withTag(references, kept.version) };
      release.tags.push(tag);
      byTime.set(kept.time, release);
    }
  }
  return eachOnce([...byTime.values()].sort((a, b) => b.time.localeCompare(a.time)));
}

/**
 * The references by digest under which an image was pulled. One in the repository of the kept tags is such a tag's with containerd's
 * image store, unless there is no other: a repository of Docker Hub can have the same name.
 */
function pulledReferences(factory: string, image: ImageName, digests: readonly string[]): ImageReference[] {
  const others = digests.filter((digest) => digest.split("@")[0] !== hostRepository(factory, image));
  return (others.length > 0 ? others : digests).flatMap((digest) => parseReference(digest) ?? []);
}

/**
 * Names by which an image still lies on the host though only digests name it; none where it has a tag. With containerd's image store a
 * name by digest stands among the tags too.
 */
export function namesByDigest({ RepoTags, RepoDigests }: InspectedImage): string[] {
  const isTagged = (RepoTags ?? []).some((tag) => !tag.includes("@"));
  return isTagged ? [] : [...new Set(RepoDigests ?? [])];
}

/** References by digest, with the version they are known by; a version of 64 digits is a digest itself. */
function withTag(references: ImageReference[], version: string): ImageReference[] {
  return /^[0-9a-f]{64}$/.test(version) ? references : references.map((reference) => ({ ...reference, tag: version }));
}

/** `20261123T114512Z` as `2026-11-23T11:45:12Z`. */
function extended(time: string): string {
  return time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
}

/** A release that was deployed twice counts as deployed the last time, and is kept by all its tags. */
function eachOnce(releases: KeptRelease[]): KeptRelease[] {
  const byImages = new Map<string, KeptRelease>();
  for (const release of releases) {
    const first = byImages.get(idsOf(release));
    if (first === undefined) byImages.set(idsOf(release), release);
    else first.tags.push(...release.tags);
  }
  return [...byImages.values()];
}

/** Stands for a release's images on this host. */
function idsOf({ images }: Release): string {
  return imageNames.map((image) => images[image]?.id ?? "-").join(" ");
}

/**
 * All releases a factory can go to, the newest first: those on the host, with the config they were deployed with, and those
 * that only the history knows.
 * @param deployments newest first
 */
export function joinReleases(kept: Release[], deployments: Deployment[]): Release[] {
  const withKeys = kept.map((release) => {
    const keys = deployments.find((deployment) => isOf(deployment, release))?.keys;
    return keys === undefined ? release : { ...release, keys };
  });
  const others: Release[] = [];
  for (const deployment of deployments) {
    if ([...kept, ...others].some((release) => isOf(deployment, release))) continue;
    const release = releaseOf(deployment);
    if (release !== undefined) others.push(release);
  }
  return [...withKeys, ...others].sort((a, b) => b.time.localeCompare(a.time));
}

/** Whether a deployment's config names a release's images: the same versions, and the digests it pins. */
function isOf({ images }: Deployment, release: Release): boolean {
  return imageNames.every((name) => {
    const [source, image] = [images[name], release.images[name]];
    if (source.kind === "build" || image === undefined) return source.kind === "build" && image === undefined;
    const { tag, digest } = source.reference;
    const pinned = digest === undefined || image.references.some((reference) => reference.digest === digest);
    return pinned && keptVersion(tag ?? digest ?? "") === keptVersion(image.version);
  });
}

/** Where nothing comes from a registry there is no release to go to. */
function releaseOf({ time, keys, images }: Deployment): Release | undefined {
  const pulled = imageNames.flatMap((name) => {
    const source = images[name];
    if (source.kind === "build") return [];
    const { tag, digest } = source.reference;
    const image: ReleaseImage = {
      version: tag ?? digest ?? "",
      references: digest === undefined ? [] : [source.reference],
    };
    return [[name, image] as const];
  });
  return pulled.length === 0 ? undefined : { time, keys, images: Object.fromEntries(pulled) };
}

/** A release's version for people: one where all images have the same, else each image's. */
export function describeVersion({ images }: Release): string {
  return describeVersions(Object.entries(images).map(([name, { version }]) => [name, version]));
}

/** Whether the containers run the release's images. */
export function isRunning({ images }: Release, running: Running): boolean {
  return imageNames.every((name) => {
    return images[name] === undefined || images[name].id === running[componentOf(name)]?.image;
  });
}
