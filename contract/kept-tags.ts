import { hostRepository, type ImageName, imageNames } from "./names.ts";

/**
 * Tag by which the host keeps an image of a release that became healthy: `disinto/agents:v0.1.1-20261123T114512Z`.
 * @param version tag or digest of the image's reference
 * @param time as {@link keptTime} writes it
 */
export function keptTag(factory: string, image: ImageName, version: string, time: string): string {
  return `${hostRepository(factory, image)}:${keptVersion(version)}-${time}`;
}

/** A time as a kept tag has it: UTC, `YYYYMMDDThhmmssZ`. */
export function keptTime(time: Date): string {
  return time.toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

/** A version as a kept tag has it: a tag has 128 characters at most, 17 of them for the time. */
export function keptVersion(version: string): string {
  return version.replace("sha256:", "").slice(0, 111);
}

/** Takes a tag of {@link keptTag} apart; undefined where it is none of this factory's. */
export function parseKeptTag(
  factory: string,
  tag: string,
): { image: ImageName; version: string; time: string } | undefined {
  const [, name, version, time] = /^(.+):(.+)-(\d{8}T\d{6}Z)$/.exec(tag) ?? [];
  const image = imageNames.find((key) => hostRepository(factory, key) === name);
  return image === undefined || version === undefined || time === undefined ? undefined : { image, version, time };
}
