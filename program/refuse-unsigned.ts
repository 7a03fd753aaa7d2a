import type { KeyObject } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { runError } from "../components/run-error.ts";
import type { FactoryConfig } from "../config/parse.ts";
import { type ImageName, imageNames } from "../contract/names.ts";
import { findLogin, type Logins } from "../images/login.ts";
import { readPublicKey } from "../images/public-key.ts";
import { formatReference, isBareVersion, type PinnedReference } from "../images/reference.ts";
import { Repository } from "../images/registry.ts";
import { findSignature, type SignatureCheck, verifySignature } from "../images/signature.ts";
import { keep, readKept } from "../images/signature-cache.ts";
import type { RunnableImage } from "../images/source.ts";
import { factoryCommand, pulumiCommand } from "../lib/factory-command.ts";

type Surroundings = Pick<FactoryConfig, "verifyImages"> &
  Logins & {
    stack: string;
    /** Directory in which verified signatures are kept: what was verified once needs no registry. */
    signatures: string;
  };

/** Why an image is refused. */
type Refusal = Exclude<SignatureCheck, { kind: "verified" }> | { kind: "unreadable"; why: string };

/**
 * Refuses images from a registry that are not signed by the config's key, before any resource is made and without pulling
 * them. Without a key in the config nothing is refused.
 * @throws RunError with all that is refused, which Pulumi shows without a stack trace
 */
export async function refuseUnsigned(images: Record<ImageName, RunnableImage>, around: Surroundings): Promise<void> {
  const key = around.verifyImages === undefined ? undefined : readPublicKey(around.verifyImages.key);
  if (key === undefined) return;
  const pinned = imageNames.flatMap((name) => {
    const image = images[name];
    return image.kind === "registry" ? [[name, image.reference] as const] : [];
  });
  const checked = await Promise.all(
    pinned.map(async ([name, reference]) => ({ reference, refusal: await check(name, reference, { key, around }) })),
  );
  const refused = checked.flatMap(({ reference, refusal }) => (refusal === undefined ? [] : [{ reference, refusal }]));
  if (refused.length === 0) return;
  const texts = refused.map(({ reference, refusal }) => explain(reference, refusal, around.stack));
  const isKeyInDoubt = refused.some(({ refusal }) => refusal.kind === "other key");
  const lines = [...texts, ...(isKeyInDoubt ? [aboutKey(around.stack)] : []), "Nothing that runs was touched."];
  const isUnreadable = refused.every(({ refusal }) => refusal.kind === "unreadable");
  throw runError(isUnreadable ? "signature-unreadable" : "image-unsigned", lines.join("\n"));
}

async function check(
  image: ImageName,
  reference: PinnedReference,
  { key, around }: { key: KeyObject; around: Surroundings },
): Promise<Refusal | undefined> {
  const { digest, tag } = reference;
  // A tag like `stable` may name any version.
  const wanted = { digest, image, ...(tag !== undefined && isBareVersion(tag) ? { version: tag } : {}) };
  const kept = await readKept(around.signatures, digest);
  if (kept !== undefined && verifySignature(kept, wanted, key).kind === "verified") return undefined;
  try {
    const repository = new Repository(reference, await findLogin(reference.server, around));
    const found = await findSignature(repository, wanted, key);
    if (found.kind !== "verified") return found;
    await keep(around.signatures, digest, found.signature).catch(({ message }: Error) =>
      pulumi.log.debug(`The signature of ${formatReference(reference)} cannot be kept: ${message}`),
    );
    return undefined;
  } catch (error) {
    return { kind: "unreadable", why: whyOf(error as Error) };
  }
}

/** `fetch` says in the cause of its error what has happened. */
function whyOf({ message, cause }: Error): string {
  const { message: reason, code } = (cause ?? {}) as { message?: string; code?: string };
  return [message, reason || code].filter(Boolean).join(": ");
}

function explain(reference: PinnedReference, refusal: Refusal, stack: string): string {
  return [
    `The image ${formatReference(reference)} is refused, as disinto:verifyImages.key wants it signed:`,
    `  ${what(refusal)}`,
    `    ${consequence(reference, refusal)}`,
    `  fix: ${nextStep(reference, refusal)}`,
    `  or:  go to a version that is signed: ${factoryCommand} rollback --stack ${stack} --list shows what ran here`,
  ].join("\n");
}

function what(refusal: Refusal): string {
  switch (refusal.kind) {
    case "unsigned":
      return "it has no signature";
    case "other key":
      return `it is signed ${refusal.signatures === 1 ? "by another key" : `by ${refusal.signatures} other keys`} than the config's`;
    case "other image":
      return `its signature is of another image, ${refusal.signed}`;
    case "unreadable":
      return `its signature cannot be read, and was not verified here before: ${refusal.why}`;
  }
}

function consequence({ server, repository }: PinnedReference, { kind }: Refusal): string {
  if (kind === "unreadable") return "Without a signature, anything could run with the factory's data and tokens.";
  return `Whoever may push to ${server}/${repository} can have made it, and it would run with the factory's data and tokens.`;
}

function nextStep({ server, repository, digest }: PinnedReference, { kind }: Refusal): string {
  if (kind === "unreadable") return "try again once the registry answers, with a login that may read it";
  const image = formatReference({ server, repository, digest });
  return `if it is yours, release it anew with the key (${factoryCommand} release), or sign it: cosign sign --key cosign.key --tlog-upload=false ${image}`;
}

function aboutKey(stack: string): string {
  const config = (verb: string) => `${pulumiCommand} config ${verb} --stack ${stack} --path 'disinto:verifyImages.key'`;
  return [
    "If another key is the right one (docs/trust.md):",
    `  see the config's: ${config("get")}`,
    `  set another one:  ${config("set")} < release.pub`,
  ].join("\n");
}
