import { describeVersions } from "../../contract/describe-version.ts";
import { type ImageName, imageNames, isVolumeKey, type VolumeKey, volumes } from "../../contract/names.ts";

/** An image of the release a snapshot belongs to. */
interface SnapshotImage {
  version: string;
  /** The reference's digest; for a local build the image's ID. */
  digest: string;
}

/** What a snapshot says of itself. */
export interface SnapshotLabels {
  factory: string;
  /** `manual`, `before v0.2.0`, `before restore`. */
  why: string;
  /** What ran when it was taken; nothing of a container that did not exist. */
  images: Partial<Record<ImageName, SnapshotImage>>;
  /** The volumes in it. */
  volumes: VolumeKey[];
}

/** The labels as restic's tags, `name=value`: `why=before v0.2.0`, `agents=v0.1.1@sha256:...`, `volume=agent-data`. */
export function toTags({ factory, why, images, volumes }: SnapshotLabels): string[] {
  return [
    factoryTag(factory),
    // Restic separates tags by commas.
    `why=${why.replaceAll(",", " ")}`,
    ...imageNames.flatMap((name) => {
      const image = images[name];
      return image === undefined ? [] : [`${name}=${image.version}@${image.digest}`];
    }),
    ...volumes.map((volume) => `volume=${volume}`),
  ];
}

/** The tag that tells one factory's snapshots from another's in the same repository. */
export function factoryTag(factory: string): string {
  return `factory=${factory}`;
}

/** Labels from tags; undefined where a snapshot is none of a factory. */
export function fromTags(tags: string[]): SnapshotLabels | undefined {
  const pairs = tags.map((tag) => [tag.split("=", 1)[0] ?? "", tag.slice(tag.indexOf("=") + 1)] as const);
  const value = (name: string) => pairs.find(([key]) => key === name)?.[1];
  const factory = value("factory");
  if (factory === undefined) return undefined;
  const inIt = pairs.flatMap(([key, text]) => (key === "volume" && isVolumeKey(text) ? [text] : []));
  const fixed: readonly VolumeKey[] = volumes;
  return {
    factory,
    why: value("why") ?? "-",
    images: Object.fromEntries(imageNames.flatMap((name) => imageOf(name, value(name)))),
    volumes: [...fixed.filter((key) => inIt.includes(key)), ...inIt.filter((key) => !fixed.includes(key)).sort()],
  };
}

function imageOf(name: ImageName, text: string | undefined): [ImageName, SnapshotImage][] {
  // A version may be a digest itself, but has no @ in it.
  const [, version, digest] = /^([^@]+)@(.+)$/.exec(text ?? "") ?? [];
  return version === undefined || digest === undefined ? [] : [[name, { version, digest }]];
}

/** A snapshot's release for people. */
export function describeImages(images: SnapshotLabels["images"]): string {
  return describeVersions(Object.entries(images).map(([name, { version }]) => [name, version]));
}
