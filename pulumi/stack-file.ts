import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseDocument } from "yaml";
import { type FactoryConfig, parseConfig } from "../config/parse.ts";
import type { RawConfig } from "../config/raw.ts";
import { type ImageName, imageNames } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { paths } from "../lib/paths.ts";

/** A stack as its file in the project describes it. */
export interface StackFile {
  stack: string;
  file: string;
  text: string;
  /** Secrets in it are not decrypted: a secret's value here is a placeholder. */
  config: FactoryConfig;
  /** Whether the file itself says what encrypts its secrets. */
  hasSecretsProvider: boolean;
}

/** Keys that say which images run. */
export const imageKeys = ["release", ...imageNames.map((image) => `${image}Image` as const)] as const;

/** Their values; a key without one is not in the file. */
export type ImageKeys = Partial<Record<"release" | `${ImageName}Image`, string>>;

const namespace = "disinto:";

/**
 * Reads and checks `Pulumi.<stack>.yaml` by the same rules as the program, before anything is installed or started.
 * @throws UserError where there is no such file or it is not YAML; ConfigError with all that is wrong in it
 */
export function readStackFile(stack: string): StackFile {
  const file = stackFileOf(stack);
  return parseStackFile(stack, file, readText(stack, file));
}

/** Where the file of a stack lies. */
export function stackFileOf(stack: string): string {
  return join(paths.project, `Pulumi.${stack}.yaml`);
}

/** The image keys as the file has them. */
export function readImageKeys({ text }: StackFile): ImageKeys {
  const { config = {} } = parse(text) as StackFileContent;
  return Object.fromEntries(
    imageKeys.flatMap((key) => (`${namespace}${key}` in config ? [[key, String(config[`${namespace}${key}`])]] : [])),
  );
}

/**
 * The same file with these image keys and no others; every other line stays as it is. Nothing is written.
 * @throws ConfigError with all that would be wrong in it
 */
export function withImageKeys({ stack, file, text }: StackFile, keys: ImageKeys): StackFile {
  const document = parseDocument(text);
  for (const key of imageKeys) {
    const path = ["config", `${namespace}${key}`];
    if (keys[key] === undefined) document.deleteIn(path);
    else document.setIn(path, keys[key]);
  }
  return parseStackFile(stack, file, document.toString({ lineWidth: 0 }));
}

/**
 * The text of a stack's file, checked.
 * @throws UserError where it is not YAML; ConfigError with all that is wrong in it
 */
export function parseStackFile(stack: string, file: string, text: string): StackFile {
  const content = parseYaml(stack, text);
  const own = Object.entries(content.config ?? {}).filter(([key]) => key.startsWith(namespace));
  const secrets = new Set<string>();
  const values: RawConfig["values"] = {};
  for (const [key, value] of own) {
    const name = key.slice(namespace.length);
    values[name] = asPulumiKeepsIt(masked(name, value, secrets));
  }
  return {
    stack,
    file,
    text,
    config: parseConfig({ stack, values, secrets }),
    hasSecretsProvider: content.encryptionsalt !== undefined || content.secretsprovider !== undefined,
  };
}

interface StackFileContent {
  config?: Record<string, unknown>;
  encryptionsalt?: string;
  secretsprovider?: string;
}

function readText(stack: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UserError(
      "stack-file-missing",
      `There is no Pulumi.${stack}.yaml. Stacks here: ${stacksHere().join(", ") || "none"}.\n` +
        `Choose one with --stack, or have it written: ${factoryCommand} init --stack ${stack} (docs/config.md has every key). Was it there before, as after\n` +
        `\`pulumi stack rm\`, which deletes it: git checkout Pulumi.${stack}.yaml`,
      2,
    );
  }
}

function parseYaml(stack: string, text: string): StackFileContent {
  try {
    return (parse(text) ?? {}) as StackFileContent;
  } catch (error) {
    throw new UserError("config-invalid", `Pulumi.${stack}.yaml is not YAML: ${(error as Error).message}`, 2);
  }
}

function stacksHere(): string[] {
  return readdirSync(paths.project).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
}

/** A value with a placeholder for every secret in it, whose path is noted: `forgeToken`, `agentSecrets.API_KEY`. */
function masked(path: string, value: unknown, secrets: Set<string>): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if ("secure" in value) {
    secrets.add(path);
    return "[secret]";
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [key, masked(`${path}.${key}`, below, secrets)]),
  );
}

function asPulumiKeepsIt(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
