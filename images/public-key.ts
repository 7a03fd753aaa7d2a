import { createPublicKey, type KeyObject } from "node:crypto";

/** What signatures of images are made with: what `cosign generate-key-pair` makes. */
export const signingCurve = "prime256v1";

/** The public key in a PEM text; undefined where it holds anything else, or more than that. */
export function readPublicKey(pem: string): KeyObject | undefined {
  // Node would take a private key and a certificate too.
  if (!/^-----BEGIN PUBLIC KEY-----[\w+/=\s]+-----END PUBLIC KEY-----$/.test(pem.trim())) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === signingCurve ? key : undefined;
  } catch {
    return undefined;
  }
}
