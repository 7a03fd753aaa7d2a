import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Manifest } from "../../images/manifest.ts";
import type { PinnedReference } from "../../images/reference.ts";
import { digestOf, Repository } from "../../images/registry.ts";
import { findSignature, readSigningKey, sign, signatureTag, verifySignature } from "../../images/signature.ts";

const digest = `sha256:${"1".repeat(64)}`;
const reference: PinnedReference = { server: "ghcr.io", repository: "disinto/agents", tag: "v0.1.1", digest };
const path = "https://ghcr.io/v2/disinto/agents";
const tag = `sha256-${"1".repeat(64)}.sig`;

const makePair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const own = makePair();
const other = makePair();

afterEach(() => vi.unstubAllGlobals());

/** A registry that keeps what it is given, by address below the repository. Returns what it keeps, and what was put. */
function serve(kept: Record<string, string> = {}) {
  const put: string[] = [];
  const answer = (url: URL, method: string, body: string) => {
    const name = url.href.replace(`${path}/`, "");
    if (method === "POST") return new Response(null, { status: 202, headers: { location: `${path}/upload` } });
    if (method === "PUT") {
      const address = url.searchParams.has("digest") ? `blobs/${url.searchParams.get("digest")}` : name;
      kept[address] = body;
      put.push(address);
      return new Response(null, { status: 201 });
    }
    return kept[name] === undefined ? new Response("{}", { status: 404 }) : new Response(kept[name]);
  };
  vi.stubGlobal("fetch", async (url: URL | string, { method = "GET", body }: { method?: string; body?: string }) =>
    answer(new URL(url), method, body ?? ""),
  );
  return { kept, put };
}

const repository = () => new Repository(reference, undefined);
const find = (key: KeyObject = own.publicKey) => findSignature(repository(), { digest }, key);
const manifestIn = (kept: Record<string, string>) => JSON.parse(kept[`manifests/${tag}`] ?? "{}") as Required<Manifest>;

describe("a signature", () => {
  test("lies under the tag, and has the form, that cosign knows", async () => {
    const { kept } = serve();
    await sign(repository(), reference, own.privateKey, { version: "v0.1.1" });
    const { config, layers, ...rest } = manifestIn(kept);
    expect(rest).toEqual({ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json" });
    const payload =
      '{"critical":{"identity":{"docker-reference":"ghcr.io/disinto/agents"},' +
      `"image":{"docker-manifest-digest":"${digest}"},"type":"cosign container image signature"},` +
      '"optional":{"version":"v0.1.1"}}';
    expect(layers).toEqual([
      {
        mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
        digest: digestOf(payload),
        size: payload.length,
        annotations: { "dev.cosignproject.cosign/signature": expect.stringMatching(/^ME[\w+/]+=*$/) },
      },
    ]);
    expect(kept[`blobs/${layers[0]?.digest}`]).toBe(payload);
    expect(JSON.parse(kept[`blobs/${config.digest}`] ?? "")).toMatchObject({
      rootfs: { type: "layers", diff_ids: [digestOf(payload)] },
    });
    expect(await find()).toMatchObject({ kind: "verified", signature: { payload } });
  });

  test("is made once by a key", async () => {
    const { put } = serve();
    await sign(repository(), reference, own.privateKey);
    const before = put.length;
    await sign(repository(), reference, own.privateKey);
    expect(put.length).toBe(before);
  });

  test("leaves the signatures of others, and what they say, as they are", async () => {
    const { kept } = serve();
    await sign(repository(), reference, other.privateKey, { by: "other" });
    const [first] = manifestIn(kept).layers;
    const annotated = { ...manifestIn(kept), annotations: { kept: "yes" } };
    kept[`manifests/${tag}`] = JSON.stringify(annotated);
    await sign(repository(), reference, own.privateKey);
    expect(manifestIn(kept)).toMatchObject({ annotations: { kept: "yes" }, layers: [first, {}] });
    expect(await find()).toMatchObject({ kind: "verified" });
    expect(await find(other.publicKey)).toMatchObject({ kind: "verified" });
  });

  test("is not laid over something that is no list of signatures", async () => {
    const { put } = serve({ [`manifests/${tag}`]: '{"manifests":[]}' });
    await expect(sign(repository(), reference, own.privateKey)).rejects.toThrow(`${tag} is no manifest of signatures`);
    expect(put).toEqual([]);
  });
});

describe("an image", () => {
  test("without a signature is unsigned", async () => {
    serve();
    expect(await find()).toEqual({ kind: "unsigned" });
    serve({ [`manifests/${tag}`]: JSON.stringify({ layers: [{ mediaType: "text/plain", digest, size: 1 }] }) });
    expect(await find()).toEqual({ kind: "unsigned" });
  });

  test("that others have signed is not signed by the key", async () => {
    serve();
    await sign(repository(), reference, other.privateKey);
    await sign(repository(), reference, makePair().privateKey);
    expect(await find()).toEqual({ kind: "other key", signatures: 2 });
  });

  test("with the signature of another image says of which", async () => {
    const signed = `sha256:${"2".repeat(64)}`;
    const { kept } = serve();
    await sign(repository(), { ...reference, digest: signed }, own.privateKey);
    kept[`manifests/${tag}`] = kept[`manifests/${signatureTag(signed)}`] ?? "";
    expect(await find()).toEqual({ kind: "other image", signed: signed });
  });

  test.each([
    ["is of another kind", (text: string) => text.replace("cosign container image", "some other")],
    ["names no image", (text: string) => text.replace("docker-manifest-digest", "digest")],
    ["is no JSON", () => "signed"],
    ["is nothing", () => "null"],
  ])("with a signed text that %s is not taken for signed", async (_, change) => {
    const { kept } = serve();
    const stringify = JSON.stringify;
    vi.spyOn(JSON, "stringify").mockImplementationOnce((value) => change(stringify(value)));
    await sign(repository(), reference, own.privateKey);
    vi.restoreAllMocks();
    expect(manifestIn(kept).layers).toHaveLength(1);
    expect(await find()).toEqual({ kind: "other image", signed: "none" });
  });

  test("with a payload or a signature that was changed is not signed by the key", async () => {
    const { kept } = serve();
    await sign(repository(), reference, own.privateKey);
    const found = await find();
    if (found.kind !== "verified") throw new Error(found.kind);
    const { payload, signature } = found.signature;
    const otherKey = { kind: "other key", signatures: 1 };
    const changed = { payload: payload.replace(/1{64}/, "2".repeat(64)), signature };
    expect(verifySignature(changed, { digest: `sha256:${"2".repeat(64)}` }, own.publicKey)).toEqual(otherKey);
    for (const wrong of ["", "AAAA", "no base64 at all", signature.slice(0, 40)]) {
      expect(verifySignature({ payload, signature: wrong }, { digest }, own.publicKey)).toEqual(otherKey);
    }
    const [layer] = manifestIn(kept).layers;
    kept[`blobs/${layer?.digest}`] = changed.payload;
    await expect(find()).rejects.toThrow("is something else");
  });

  test("with more than a signature takes is not read to the end", async () => {
    const { kept } = serve();
    await sign(repository(), reference, own.privateKey);
    const large = " ".repeat(1024 * 1024 + 1);
    const { layers, ...manifest } = manifestIn(kept);
    kept[`blobs/${digestOf(large)}`] = large;
    kept[`manifests/${tag}`] = JSON.stringify({ ...manifest, layers: [{ ...layers[0], digest: digestOf(large) }] });
    await expect(find()).rejects.toThrow("is larger than 1048576 bytes");
    kept[`manifests/${tag}`] = large;
    await expect(find()).rejects.toThrow("is larger than 1048576 bytes");
  });
});

describe("a signing key", () => {
  const pem = (options = {}) => own.privateKey.export({ type: "pkcs8", format: "pem", ...options }).toString();
  const encrypted = pem({ cipher: "aes-256-cbc", passphrase: "hunter2" });

  test("is read from PEM, encrypted or not", () => {
    const publicOf = (key: KeyObject) => createPublicKey(key).export({ type: "spki", format: "pem" });
    const wanted = publicOf(createPrivateKey(pem()));
    expect(publicOf(readSigningKey(pem()))).toBe(wanted);
    expect(publicOf(readSigningKey(pem(), "a password it does not need"))).toBe(wanted);
    expect(publicOf(readSigningKey(encrypted, "hunter2"))).toBe(wanted);
  });

  test.each([
    ["an encrypted one without its password", encrypted, undefined, "is encrypted, and its password is missing"],
    ["an encrypted one with another password", encrypted, "hunter3", "does not open: the password is another one"],
    ["a public one", own.publicKey.export({ type: "spki", format: "pem" }).toString(), undefined, "is no private key"],
    ["something else", "release.key", undefined, "is no private key in PEM"],
    [
      "one of another kind",
      generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      undefined,
      "The signing key is ed25519, and has to be ECDSA P-256 (prime256v1)",
    ],
    [
      "one that only cosign reads",
      "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYi\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
      "hunter2",
      "is in cosign's own format, which only cosign reads",
    ],
  ])("is not %s", (_, text, password, says) => {
    expect(() => readSigningKey(text, password)).toThrow(says);
  });
});
