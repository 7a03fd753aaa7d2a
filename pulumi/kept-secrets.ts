import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseDocument, stringify } from "yaml";
import { UserError } from "../contract/user-error.ts";
import { paths } from "../lib/paths.ts";

/** Secrets that the environment gives where the stack's file has none, each with its variable. */
export const givenVariables = { forgeToken: "FORGE_TOKEN", registryToken: "REGISTRY_READ_TOKEN" } as const;
export type GivenKey = keyof typeof givenVariables;

/** What a stack's file says of how its secrets are encrypted. */
const encryptionKeys = ["encryptionsalt", "encryptedkey", "secretsprovider"] as const;

interface Content extends Partial<Record<(typeof encryptionKeys)[number], string>> {
  config?: Record<string, unknown>;
}

const inConfig = (key: GivenKey) => `disinto:${key}`;
const givenKeys = Object.keys(givenVariables) as GivenKey[];

/** Secrets in the environment that the text of a stack's file has not. */
export function readGiven(text: string, env: NodeJS.ProcessEnv = process.env): [key: GivenKey, value: string][] {
  return missingIn(text).flatMap((key): [GivenKey, string][] => {
    const value = env[givenVariables[key]]?.trim();
    return value ? [[key, value]] : [];
  });
}

/**
 * The text of a stack's file with the secrets that were kept for it, encrypted, where the file has none of its own.
 * @param given that are set anew, so that it does not matter whether what is kept can still be read
 * @throws UserError where it cannot
 */
export function withKept(stack: string, text: string, given: GivenKey[] = [], directory = paths.secrets): string {
  const kept = readKept(stack, directory);
  const keys = missingIn(text).filter((key) => inConfig(key) in (kept.config ?? {}));
  if (keys.length === 0) return text;
  const own = (parse(text) ?? {}) as Content;
  const isEncrypted = encryptionKeys.some((key) => own[key] !== undefined);
  if (isEncrypted && encryptionKeys.some((key) => own[key] !== kept[key])) {
    const lost = keys.filter((key) => !given.includes(key));
    if (lost.length > 0) throw unreadable(stack, lost);
    return text;
  }
  const document = parseDocument(text);
  if (!isEncrypted) for (const key of encryptionKeys) if (kept[key] !== undefined) document.set(key, kept[key]);
  for (const key of keys) document.setIn(["config", inConfig(key)], kept.config?.[inConfig(key)]);
  return document.toString({ lineWidth: 0 });
}

/** Whether secrets are kept that the text of a stack's file has not. */
export function hasKept(stack: string, text: string, directory = paths.secrets): boolean {
  const { config = {} } = readKept(stack, directory);
  return missingIn(text).some((key) => inConfig(key) in config);
}

/** Keeps the secrets that a file has beyond the stack's own, as Pulumi has encrypted them. */
export function keepFrom(stack: string, text: string, encrypted: string, directory = paths.secrets): void {
  const content = parse(encrypted) as Content;
  const keys = missingIn(text).filter((key) => inConfig(key) in (content.config ?? {}));
  const config = Object.fromEntries(keys.map((key) => [inConfig(key), content.config?.[inConfig(key)]]));
  const encryption = encryptionKeys.flatMap((key) => (content[key] === undefined ? [] : [[key, content[key]]]));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(fileOf(stack, directory), stringify({ ...Object.fromEntries(encryption), config }), { mode: 0o600 });
}

function fileOf(stack: string, directory: string): string {
  return join(directory, `${stack}.yaml`);
}

function readKept(stack: string, directory: string): Content {
  const file = fileOf(stack, directory);
  return existsSync(file) ? (parse(readFileSync(file, "utf8")) ?? {}) : {};
}

function missingIn(text: string): GivenKey[] {
  let content: Content | null;
  try {
    content = parse(text);
  } catch {
    return [];
  }
  return givenKeys.filter((key) => !(inConfig(key) in (content?.config ?? {})));
}

function unreadable(stack: string, keys: GivenKey[]): UserError {
  const names = keys.map((key) => givenVariables[key]);
  return new UserError(
    "secret-unreadable",
    `Pulumi.${stack}.yaml is encrypted in another way now than what is kept of ${names.join(" and ")}. Give it again:\n` +
      `  export ${names.map((name) => `${name}=...`).join(" ")}`,
  );
}
