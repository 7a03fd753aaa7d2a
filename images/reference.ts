import semver from "semver";

/** An image reference, taken apart: `ghcr.io/disinto/agents:v0.1.1@sha256:...`. */
export interface ImageReference {
  /** Registry with its port, as written: `ghcr.io`, `localhost:5000`; `docker.io` where none is written. */
  server: string;
  /** Repository path in the registry: `disinto/agents`. */
  repository: string;
  tag?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

/** A reference that names one image, for ever. */
export interface PinnedReference extends ImageReference {
  digest: string;
}

/** Where a bare version is completed from. */
export interface Registry {
  server: string;
  namespace: string;
}

// The grammar of github.com/distribution/reference.
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const host =
  "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])";
const referencePattern = new RegExp(
  `^(?:(?<server>${host}(?::[0-9]+)?)/)?(?<repository>${component}(?:/${component})*)` +
    "(?::(?<tag>[\\w][\\w.-]{0,127}))?(?:@(?<digest>sha256:[a-f0-9]{64}))?$",
);

/** Takes an image reference apart; undefined where it is none. */
export function parseReference(text: string): ImageReference | undefined {
  const { server, repository, tag, digest } = referencePattern.exec(text)?.groups ?? {};
  if (repository === undefined) return undefined;
  const named = server !== undefined && (/[.:]/.test(server) || server === "localhost");
  return {
    server: named ? server : "docker.io",
    repository: named || server === undefined ? repository : `${server}/${repository}`,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** True for a bare version (`v0.1.1`, `0.2.0-rc.1`), which `registry` completes to a reference. */
export function isBareVersion(text: string): boolean {
  return semver.valid(text) !== null && !text.includes("+");
}

export function completeVersion(version: string, image: string, registry: Registry): ImageReference {
  return { server: registry.server, repository: `${registry.namespace}/${image}`, tag: version };
}

/** The reference as Docker writes it: images of Docker Hub without a registry. */
export function formatReference({ server, repository, tag, digest }: ImageReference): string {
  return `${server === "docker.io" ? "" : `${server}/`}${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
