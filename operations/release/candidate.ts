import type { KeyObject } from "node:crypto";
import { type ImageName, imageNames, labelKeys } from "../../contract/names.ts";
import { Repository } from "../../images/registry.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { encoded, type PushLogin } from "./push-login.ts";

/** A version that is being released. */
export interface Release {
  /** `v0.2.0` */
  version: string;
  /** The commit it is made of. */
  commit: string;
  /** The stack that is to run it. */
  workspace: Workspace;
  login: PushLogin;
  /** Signs what is pushed. @default none: it is not signed */
  key?: KeyObject;
  /** Images that an earlier run has published. */
  published: ImageName[];
}

/** An image of a release, as the registry has it. */
export interface PublishedImage {
  /** Digest of its manifest. */
  digest: string;
  /** Compressed, in bytes, what layers the images share in each of them. */
  bytes: number;
  signed: boolean;
}

/** A commit, short enough for a tag. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 12);
}

/** Repository of an image in the stack's registry: `ghcr.io/disinto/agents`. */
export function repositoryName({ workspace }: Pick<Release, "workspace">, image: ImageName): string {
  const { server, namespace } = workspace.config.registry;
  return `${server === "docker.io" ? "" : `${server}/`}${namespace}/${image}`;
}

/** What the tags of {@link candidateTag} begin with. */
export const candidatePrefix = "sha-";

/** The tag under which an image is pushed and looked at: nobody runs it, and a version comes of it only when all is well. */
export function candidateTag({ commit }: Pick<Release, "commit">): string {
  return `${candidatePrefix}${shortCommit(commit)}`;
}

export function candidate(release: Pick<Release, "workspace" | "commit">, image: ImageName): string {
  return `${repositoryName(release, image)}:${candidateTag(release)}`;
}

/** Labels by which an image is known as one of this release. */
export function ownLabels({ version, commit }: Pick<Release, "version" | "commit">): Record<string, string> {
  return { [labelKeys.version]: version, [labelKeys.revision]: commit };
}

/** Whether labels are those of an image of this release. */
export function isOfRelease(
  release: Pick<Release, "version" | "commit">,
  labels: Record<string, string> | null | undefined,
): boolean {
  return Object.entries(ownLabels(release)).every(([key, value]) => labels?.[key] === value);
}

/** An image's repository in the registry, as whoever pushes sees it. */
export function openRepository(
  { workspace, login }: Pick<Release, "workspace" | "login">,
  image: ImageName,
): Repository {
  const { server, namespace } = workspace.config.registry;
  return new Repository({ server, repository: `${namespace}/${image}` }, encoded(login), 60);
}

/** Does something for every image, one after the other. */
export async function forEachImage<T>(work: (image: ImageName) => Promise<T>): Promise<Record<ImageName, T>> {
  const done: [ImageName, T][] = [];
  for (const image of imageNames) done.push([image, await work(image)]);
  return Object.fromEntries(done) as Record<ImageName, T>;
}
