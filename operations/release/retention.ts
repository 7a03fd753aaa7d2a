import semver from "semver";
import { isBareVersion } from "../../images/reference.ts";
import { signatureTag } from "../../images/signature.ts";
import { candidatePrefix } from "./candidate.ts";

/** A tag of a repository, and the manifest it names. */
export interface Tagged {
  tag: string;
  digest: string;
  /** Digests of the manifests that an index lists; none where it is no index. */
  parts: string[];
}

export interface Keep {
  /** Versions that stay, the newest. */
  versions: number;
  /** Digests and versions that a factory runs, or can go back to. */
  inUse: ReadonlySet<string>;
}

/** What is deleted of a repository, and what stays. */
export interface RetentionPlan {
  /** By digest, images before their signatures, with the tags that go along. */
  doomed: { digest: string; tags: string[] }[];
  /** Versions that stay. */
  versions: string[];
}

/**
 * Chooses what may go from a repository. Whatever has a tag that stays, stays, and so does whatever that is made of, or signs it;
 * a tag that no release has made is nobody's to delete.
 */
export function planRetention(tags: readonly Tagged[], { versions, inUse }: Keep): RetentionPlan {
  const released = semver.rsort(tags.map(({ tag }) => tag).filter(isBareVersion));
  const newest = released.slice(0, versions);
  const everReleased = new Set(tags.filter(({ tag }) => isBareVersion(tag)).map(({ digest }) => digest));
  const stays = ({ tag, digest }: Tagged) => {
    if (inUse.has(tag) || inUse.has(digest)) return true;
    if (isBareVersion(tag)) return newest.includes(tag);
    // What a release was tried under may become a version yet.
    if (isCandidate(tag)) return !everReleased.has(digest);
    return !isSignature(tag);
  };
  const kept = withAllOf(new Set(tags.filter(stays).map(({ digest }) => digest)), tags);
  const gone = tags.filter(({ digest }) => !kept.has(digest));
  const doomed = new Map<string, string[]>();
  for (const { tag, digest } of gone.toSorted((a, b) => Number(isSignature(a.tag)) - Number(isSignature(b.tag)))) {
    doomed.set(digest, [...(doomed.get(digest) ?? []), tag]);
  }
  return {
    doomed: [...doomed].map(([digest, names]) => ({ digest, tags: names })),
    versions: released.filter((version) => tags.some(({ tag, digest }) => tag === version && kept.has(digest))),
  };
}

/** What stays, with what it is made of, and what signs any of it. */
function withAllOf(kept: ReadonlySet<string>, tags: readonly Tagged[]): ReadonlySet<string> {
  const signatures = new Set([...kept].map(signatureTag));
  const more = new Set(kept);
  for (const { tag, digest, parts } of tags) {
    if (signatures.has(tag)) more.add(digest);
    if (kept.has(digest)) for (const part of parts) more.add(part);
  }
  return more.size === kept.size ? kept : withAllOf(more, tags);
}

/** Tags that a release makes besides the version's. */
function isCandidate(tag: string): boolean {
  return new RegExp(`^${candidatePrefix}[0-9a-f]{12}$`).test(tag);
}

function isSignature(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}\.sig$/.test(tag);
}
