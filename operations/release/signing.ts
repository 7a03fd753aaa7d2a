import { createPublicKey, type KeyObject } from "node:crypto";
import type { ImageName } from "../../contract/names.ts";
import { readPublicKey } from "../../images/public-key.ts";
import type { Repository } from "../../images/registry.ts";
import { readSigningKey, sign } from "../../images/signature.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import type { Release } from "./candidate.ts";
import { signingVariables } from "./push-login.ts";

/**
 * The key that images are signed with; undefined where none is given, and the stack asks for none.
 * @throws UserError where it is no such key
 */
export function readReleaseKey(): KeyObject | undefined {
  const { [signingVariables.key]: pem, [signingVariables.password]: password } = process.env;
  return pem ? readSigningKey(pem, password) : undefined;
}

/** Whether the stack would refuse what this key signs. */
export function keyProblems({ config, stack }: Workspace, key: KeyObject | undefined): string[] {
  if (config.verifyImages === undefined) return [];
  if (key === undefined) {
    return [`${signingVariables.key} is not set, and stack ${stack} runs signed images alone: set it (docs/trust.md)`];
  }
  const wanted = readPublicKey(config.verifyImages.key);
  if (wanted?.equals(createPublicKey(key))) return [];
  return [
    `the key in ${signingVariables.key} is not the one of disinto:verifyImages.key on stack ${stack} (docs/trust.md)`,
  ];
}

/** Signs an image of a release; says whether it was. */
export async function signImage(
  { version, workspace, key }: Release,
  { image, repository, digest }: { image: ImageName; repository: Repository; digest: string },
): Promise<boolean> {
  if (key === undefined) return false;
  const { server, namespace } = workspace.config.registry;
  await sign(repository, { server, repository: `${namespace}/${image}`, digest }, key, { version, image });
  return true;
}
