import { createHash } from "node:crypto";
import type { ImageConfig, Manifest, StoredManifest } from "./manifest.ts";
import type { ImageReference, PinnedReference } from "./reference.ts";

/** The answer of a registry that is none of the ones wanted. */
export class RegistryError extends Error {
  readonly status: number;

  constructor(where: string, status: number, said: string) {
    super(`${where} answers ${status}${said === "" ? "" : `: ${said}`}`);
    this.name = "RegistryError";
    this.status = status;
  }
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

/** Why a server could not be asked: `fetch` says in the cause of its error what has happened. */
export function reasonOf({ message, cause }: Error): string {
  const { message: reason, code } = (cause ?? {}) as { message?: string; code?: string };
  return reason || code || message;
}

/** `sha256:` and the hexadecimal digest of some content. */
export function digestOf(content: string | Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** A repository of a registry, as whoever has the login sees it. */
export class Repository {
  private readonly origin: string;
  private readonly address: string;
  private readonly login: string | undefined;
  private readonly signal: AbortSignal;
  private authorization: string | undefined;

  /**
   * @param login encoded; undefined for none
   * @param seconds for everything that is asked of it
   */
  constructor(
    { server, repository }: Pick<ImageReference, "server" | "repository">,
    login: string | undefined,
    seconds = patience,
  ) {
    const isHub = server === "docker.io";
    const path = isHub && !repository.includes("/") ? `library/${repository}` : repository;
    this.origin = `https://${isHub ? "registry-1.docker.io" : server}`;
    this.address = `${this.origin}/v2/${path}`;
    this.login = login;
    this.signal = AbortSignal.timeout(seconds * 1000);
  }

  /** Content as JSON: `manifests/<reference>` or `blobs/<digest>`. @throws RegistryError */
  async get<T>(path: string): Promise<T> {
    return (await (await this.ask(path)).json()) as T;
  }

  /**
   * A manifest by its tag or digest; undefined where there is none.
   * @param most bytes that are read of it
   * @throws RegistryError
   */
  async findManifest(reference: string, most?: number): Promise<StoredManifest | undefined> {
    const answer = await this.ask(`manifests/${reference}`, {}, [200, 404]);
    if (answer.status === 404) return undefined;
    const body = await textOf(answer, most);
    return { digest: digestOf(body), mediaType: answer.headers.get("content-type") ?? "", body };
  }

  /**
   * Text of a blob, checked against its digest.
   * @param most bytes that are read of it
   * @throws Error where it is something else
   */
  async readBlob(digest: string, most?: number): Promise<string> {
    const text = await textOf(await this.ask(`blobs/${digest}`), most);
    if (digestOf(text) !== digest) throw new Error(`${this.address}/blobs/${digest} is something else`);
    return text;
  }

  /** Tags of the repository; none where it is not there. @throws RegistryError */
  async listTags(): Promise<string[]> {
    const answer = await this.ask("tags/list?n=10000", {}, [200, 404]);
    if (answer.status === 404) return [];
    return ((await answer.json()) as { tags: string[] | null }).tags ?? [];
  }

  /** Asks for an upload, and takes it back. @throws RegistryError where the login may not push */
  async requirePush(): Promise<Response> {
    const answer = await this.ask("blobs/uploads/", { method: "POST" }, [202]);
    await this.request(this.uploadOf(answer), { method: "DELETE" }).catch(() => undefined);
    return answer;
  }

  /** Uploads a blob; one that is there stays. Returns its digest. @throws RegistryError */
  async putBlob(content: string): Promise<string> {
    const digest = digestOf(content);
    const there = await this.ask(`blobs/${digest}`, { method: "HEAD" }, [200, 404]);
    if (there.status === 200) return digest;
    const upload = new URL(this.uploadOf(await this.ask("blobs/uploads/", { method: "POST" }, [202])));
    upload.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream" };
    await this.answered(upload.href, { method: "PUT", headers, body: content }, [201]);
    return digest;
  }

  /** Stores a manifest under a tag. Returns its digest. @throws RegistryError */
  async putManifest(tag: string, { mediaType, body }: Omit<StoredManifest, "digest">): Promise<string> {
    const headers = { "content-type": mediaType };
    await this.ask(`manifests/${tag}`, { method: "PUT", headers, body }, [201]);
    return digestOf(body);
  }

  /** Deletes a manifest, and every tag of it. @throws RegistryError */
  async deleteManifest(digest: string): Promise<void> {
    await this.ask(`manifests/${digest}`, { method: "DELETE" }, [202]);
  }

  private uploadOf(answer: Response): string {
    return new URL(answer.headers.get("location") ?? "", this.origin).href;
  }

  private ask(path: string, options: RequestInit = {}, wanted: number[] = [200]): Promise<Response> {
    return this.answered(`${this.address}/${path}`, options, wanted);
  }

  private async answered(url: string, options: RequestInit, wanted: number[]): Promise<Response> {
    let answer = await this.request(url, options);
    // A token is for what was asked then: another question may want another one.
    if (answer.status === 401) {
      this.authorization = await this.authorize(answer.headers.get("www-authenticate") ?? "");
      answer = await this.request(url, options);
    }
    if (!wanted.includes(answer.status)) throw new RegistryError(url, answer.status, await errorOf(answer));
    return answer;
  }

  /** A registry may send on to where its blobs lie: the authorization does not go along to another host. */
  private request(url: string, { headers, ...options }: RequestInit): Promise<Response> {
    const { authorization, signal } = this;
    const known = authorization !== undefined && new URL(url).origin === this.origin;
    const own = { accept: manifestTypes.join(", "), ...(known ? { authorization } : {}) };
    return fetch(url, { ...options, headers: { ...own, ...headers }, signal });
  }

  /** @param challenge what the registry wants: `Basic realm="..."`, or `Bearer realm="...",service="...",scope="..."` */
  private async authorize(challenge: string): Promise<string> {
    if (!/^bearer /i.test(challenge)) {
      if (this.login === undefined) throw new RegistryError(this.address, 401, "it wants a login");
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
    if (!answer.ok) throw new RegistryError(realm, answer.status, await errorOf(answer));
    const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
    return `Bearer ${token ?? access_token}`;
  }
}

/** @throws Error where an answer is longer than `most` bytes */
async function textOf(answer: Response, most = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > most) throw new Error(`an answer is larger than ${most} bytes: ${answer.url}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What a registry says is wrong (OCI distribution spec, error codes); nothing where it does not. */
async function errorOf(answer: Response): Promise<string> {
  const text = await answer.text().catch(() => "");
  try {
    const { errors = [] } = JSON.parse(text) as { errors?: { code?: string; message?: string }[] };
    return errors.map(({ code = "", message = "" }) => `${code} ${message}`.trim()).join(", ");
  } catch {
    return "";
  }
}
