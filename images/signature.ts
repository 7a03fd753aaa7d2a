import { createPrivateKey, createPublicKey, sign as createSignature, type KeyObject, verify } from "node:crypto";
import { UserError } from "../contract/user-error.ts";
import type { Descriptor, Manifest } from "./manifest.ts";
import { signingCurve } from "./public-key.ts";
import type { PinnedReference } from "./reference.ts";
import { digestOf, type Repository } from "./registry.ts";

// Where signatures lie, and what they are of: github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md.
const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const annotation = "dev.cosignproject.cosign/signature";
const claim = "cosign container image signature";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";

/** Bytes that are read of a payload, and of the manifest that lists them. */
const most = 1024 * 1024;

/** A signature with what it is of: enough to verify it without a registry. */
export interface Signature {
  /** The bytes that are signed, as text: JSON that names the image. */
  payload: string;
  /** DER in base64. */
  signature: string;
}

/** What a signature has to be of. */
export interface Signed {
  digest: string;
  /** Where the signature names one, it has to be this. @default any */
  version?: string;
  /** Where the signature names one, it has to be this: `agents`. @default any */
  image?: string;
}

/** What was found of an image's signature. */
export type SignatureCheck =
  | { kind: "verified"; signature: Signature }
  /** The key has signed another image, or this one as another; somebody has laid the signature, or the image, here. */
  | { kind: "other image"; signed: string }
  /** So many signatures, none by the key. */
  | { kind: "other key"; signatures: number }
  | { kind: "unsigned" };

/** The part of a payload that is read here; whoever has the key may have written anything into it. */
interface Payload {
  critical?: { type?: unknown; image?: { "docker-manifest-digest"?: unknown } };
  optional?: { version?: unknown; image?: unknown } | null;
}

/** The tag under which the signatures of an image lie, in the image's own repository. */
export function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

/**
 * Looks in an image's repository for a signature of it by a key.
 * @throws Error where the registry does not answer, or with something that is too large or no manifest
 */
export async function findSignature(
  repository: Repository,
  wanted: Signed,
  publicKey: KeyObject,
): Promise<SignatureCheck> {
  return findIn(repository, await readManifest(repository, wanted.digest), wanted, publicKey);
}

/** Verifies by cryptography alone that a signature is by a key, and of an image. */
export function verifySignature(signature: Signature, wanted: Signed, publicKey: KeyObject): SignatureCheck {
  const isByKey = verify(
    "sha256",
    Buffer.from(signature.payload),
    publicKey,
    Buffer.from(signature.signature, "base64"),
  );
  if (!isByKey) return { kind: "other key", signatures: 1 };
  const signed = findDifference(signature.payload, wanted);
  return signed === undefined ? { kind: "verified", signature } : { kind: "other image", signed };
}

/**
 * Signs an image in its repository, beside the signatures that are there. One that the key has signed already stays as it is.
 * @param optional what the payload says beyond the image
 * @throws RegistryError where the login may not push
 */
export async function sign(
  repository: Repository,
  reference: PinnedReference,
  key: KeyObject,
  optional: Record<string, string> = {},
): Promise<void> {
  const { server, repository: path, digest } = reference;
  const there = await readManifest(repository, digest);
  if ((await findIn(repository, there, { digest, ...optional }, createPublicKey(key))).kind === "verified") return;
  const payload = JSON.stringify({
    critical: {
      identity: { "docker-reference": `${server}/${path}` },
      image: { "docker-manifest-digest": digest },
      type: claim,
    },
    optional,
  });
  const signature = createSignature("sha256", Buffer.from(payload), key).toString("base64");
  const annotations = { [annotation]: signature };
  const layer = { mediaType: payloadType, ...descriptorOf(payload), annotations };
  const layers = [...(there?.layers ?? []), layer];
  const config = emptyConfig(layers);
  await repository.putBlob(payload);
  await repository.putBlob(config);
  const manifest = {
    ...there,
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, ...descriptorOf(config) },
    layers,
  };
  await repository.putManifest(signatureTag(digest), { mediaType: manifestType, body: JSON.stringify(manifest) });
}

/**
 * Reads the private key that images are signed with: PEM, encrypted with a password or not.
 * @throws UserError where it is none, or the password is not its own
 */
export function readSigningKey(pem: string, password?: string): KeyObject {
  if (/BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY/.test(pem)) {
    throw new UserError(
      "signing-key-unusable",
      "The signing key is in cosign's own format, which only cosign reads: sign with `cosign sign --key`, or make a pair " +
        "that both read (docs/trust.md).",
    );
  }
  const key = decryptKey(pem, password);
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  const kind = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType;
  if (kind !== signingCurve) {
    throw new UserError(
      "signing-key-unusable",
      `The signing key is ${kind}, and has to be ECDSA P-256 (${signingCurve}): docs/trust.md makes one.`,
    );
  }
  return key;
}

function decryptKey(pem: string, password: string | undefined): KeyObject {
  const isEncrypted = pem.includes("ENCRYPTED");
  if (isEncrypted && !password)
    throw new UserError("signing-key-unusable", "The signing key is encrypted, and its password is missing.");
  try {
    return createPrivateKey({ key: pem, ...(isEncrypted ? { passphrase: password } : {}) });
  } catch {
    throw new UserError(
      "signing-key-unusable",
      isEncrypted
        ? "The signing key does not open: the password is another one, or the file is damaged."
        : "The signing key is no private key in PEM (-----BEGIN PRIVATE KEY-----): docs/trust.md makes one.",
    );
  }
}

async function readManifest(repository: Repository, digest: string): Promise<Manifest | undefined> {
  const stored = await repository.findManifest(signatureTag(digest), most);
  if (stored === undefined) return undefined;
  const manifest = parseObject(stored.body) as Manifest | undefined;
  if (!Array.isArray(manifest?.layers)) throw new Error(`${signatureTag(digest)} is no manifest of signatures`);
  return manifest;
}

async function findIn(
  repository: Repository,
  manifest: Manifest | undefined,
  wanted: Signed,
  publicKey: KeyObject,
): Promise<SignatureCheck> {
  const layers = signedLayers(manifest);
  let found: SignatureCheck =
    layers.length === 0 ? { kind: "unsigned" } : { kind: "other key", signatures: layers.length };
  for (const { digest: blob, annotations = {} } of layers) {
    const signature = { payload: await repository.readBlob(blob, most), signature: annotations[annotation] ?? "" };
    const check = verifySignature(signature, wanted, publicKey);
    if (check.kind === "verified") return check;
    if (check.kind === "other image") found = check;
  }
  return found;
}

function signedLayers(manifest: Manifest | undefined): Descriptor[] {
  return (manifest?.layers ?? []).filter(
    ({ mediaType, annotations }) => mediaType === payloadType && annotations?.[annotation] !== undefined,
  );
}

/** What a payload is about instead of what is wanted; undefined where it is about that. What cosign takes for none is about none. */
function findDifference(payload: string, wanted: Signed): string | undefined {
  const { critical, optional } = (parseObject(payload) ?? {}) as Payload;
  const digest = critical?.type === claim ? critical.image?.["docker-manifest-digest"] : undefined;
  if (digest !== wanted.digest) return typeof digest === "string" ? digest : "none";
  for (const name of ["version", "image"] as const) {
    const [named, asked] = [optional?.[name], wanted[name]];
    if (typeof named === "string" && asked !== undefined && named !== asked) return `${name} ${named}`;
  }
  return undefined;
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A manifest of an image has a config; this one says no more than which layers there are, as cosign's own does. */
function emptyConfig(layers: Descriptor[]): string {
  const rootfs = { type: "layers", diff_ids: layers.map(({ digest }) => digest) };
  return JSON.stringify({ architecture: "", os: "", config: {}, rootfs });
}

function descriptorOf(content: string): Pick<Descriptor, "digest" | "size"> {
  return { digest: digestOf(content), size: Buffer.byteLength(content) };
}
