import { existsSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseEnv } from "node:util";
import { type Compose, resolveEnvFile } from "./compose.ts";
import { decrypt } from "./decrypt.ts";
import { filesIn } from "./project-files.ts";

/** The variables of a directory's .env, .env.enc and secrets/*.enc, the first of them having the first word. */
export async function readVariables(
  directory: string,
  compose: Compose | undefined,
  unread: string[],
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const file of filesIn(join(directory, "secrets"), ".enc")) {
    const text = await decryptOf(directory, file, unread);
    if (text !== undefined) secrets[basename(file, ".enc")] = text.replace(/\r?\n$/, "");
  }
  const encrypted = join(directory, ".env.enc");
  const text = existsSync(encrypted) ? await decryptOf(directory, encrypted, unread) : undefined;
  return { ...secrets, ...defined(parseEnv(text ?? "")), ...(await readEnvFile(directory, compose)) };
}

async function readEnvFile(directory: string, compose: Compose | undefined): Promise<Record<string, string>> {
  const file = join(directory, ".env");
  if (!existsSync(file)) return {};
  return compose === undefined ? defined(parseEnv(readFileSync(file, "utf8"))) : resolveEnvFile(compose, directory);
}

const defined = (variables: NodeJS.Dict<string>) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value ?? ""]));

async function decryptOf(directory: string, file: string, unread: string[]): Promise<string | undefined> {
  const outcome = await decrypt(file);
  if ("text" in outcome) return outcome.text;
  const name = relative(directory, file);
  unread.push(`${name} cannot be decrypted: ${outcome.reason}. See it with: ${outcome.command(name)}`);
  return undefined;
}
