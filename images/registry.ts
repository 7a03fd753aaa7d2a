import type { PinnedReference } from "../config/reference.ts";

/** What an image says of itself. */
export interface ImageConfig {
  Volumes?: Record<string, object> | null;
}

interface Manifest {
  config?: { digest: string };
  /** Of a list: a manifest for each platform. */
  manifests?: { digest: string; platform?: { os: string; architecture: string } }[];
}

/** Seconds for all questions about one image. */
const patience = 10;

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * Reads an image's config from its registry, without pulling it (OCI distribution spec 1.1, with Docker's tokens).
 * @param login encoded; undefined for none
 * @param architecture wanted of an image with several, as Go names it; else its first for Linux
 * @throws Error where the registry does not give it
 */
export async function readFromRegistry(
  reference: PinnedReference,
  login: string | undefined,
  architecture: string,
): Promise<ImageConfig> {
  const repository = new Repository(reference, login);
  let manifest = await repository.get<Manifest>(`manifests/${reference.digest}`);
  if (manifest.manifests !== undefined) {
    manifest = await repository.get<Manifest>(`manifests/${choose(manifest.manifests, architecture)}`);
  }
  if (manifest.config === undefined) throw new Error("the manifest names no config");
  return (await repository.get<{ config?: ImageConfig }>(`blobs/${manifest.config.digest}`)).config ?? {};
}

function choose(manifests: NonNullable<Manifest["manifests"]>, architecture: string): string {
  const linux = manifests.filter(({ platform }) => platform?.os === "linux");
  const chosen = linux.find(({ platform }) => platform?.architecture === architecture) ?? linux[0];
  if (chosen === undefined) throw new Error("the image has no manifest for Linux");
  return chosen.digest;
}

/** A repository of a registry, as whoever has the login sees it. */
class Repository {
  private readonly address: string;
  private readonly login: string | undefined;
  private readonly signal = AbortSignal.timeout(patience * 1000);
  private authorization: string | undefined;

  constructor({ server, repository }: PinnedReference, login: string | undefined) {
    const isHub = server === "docker.io";
    const path = isHub && !repository.includes("/") ? `library/${repository}` : repository;
    this.address = `https://${isHub ? "registry-1.docker.io" : server}/v2/${path}`;
    this.login = login;
  }

  async get<T>(path: string): Promise<T> {
    let answer = await this.ask(path);
    if (answer.status === 401 && this.authorization === undefined) {
      this.authorization = await this.authorize(answer.headers.get("www-authenticate") ?? "");
      answer = await this.ask(path);
    }
    if (!answer.ok) throw new Error(`${this.address}/${path} answers ${answer.status}`);
    return (await answer.json()) as T;
  }

  /** A registry may send on to where its blobs lie; fetch does not take the authorization along to another host. */
  private ask(path: string): Promise<Response> {
    const { authorization, signal } = this;
    const headers = { accept: manifestTypes.join(", "), ...(authorization === undefined ? {} : { authorization }) };
    return fetch(`${this.address}/${path}`, { headers, signal });
  }

  /** @param challenge what the registry wants: `Basic realm="..."`, or `Bearer realm="...",service="...",scope="..."` */
  private async authorize(challenge: string): Promise<string> {
    if (!/^bearer /i.test(challenge)) {
      if (this.login === undefined) throw new Error(`${this.address} wants a login`);
      return `Basic ${this.login}`;
    }
    const { realm = "", ...asked } = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const url = new URL(realm);
    if (url.protocol !== "https:") throw new Error(`${this.address} sends to ${realm} for a token, which is not safe`);
    for (const name of ["service", "scope"]) if (asked[name] !== undefined) url.searchParams.set(name, asked[name]);
    const headers = this.login === undefined ? {} : { authorization: `Basic ${this.login}` };
    const answer = await fetch(url, { headers, signal: this.signal });
    if (!answer.ok) throw new Error(`${realm} answers ${answer.status}`);
    const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
    return `Bearer ${token ?? access_token}`;
  }
}
