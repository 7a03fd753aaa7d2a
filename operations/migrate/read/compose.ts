import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { type ParseOptions, parse, type SchemaOptions } from "yaml";
import { UserError } from "../../../contract/user-error.ts";
import { type ComposeFile, type ResolvedFile, readComposeFile } from "./compose-file.ts";

/** A compose that is installed here: how it is called, and which of the two it is. */
export interface Compose {
  version: "v1" | "v2";
  command: [file: string, ...args: string[]];
}

/** How compose is asked about a directory. */
export interface Asking {
  directory: string;
  /** Files other than compose finds by itself. */
  files: string[];
  /** A project name other than compose would take. */
  project?: string;
}

/** The compose that a person here would use: Docker's plugin, else the old program, else none. */
export async function findCompose(): Promise<Compose | undefined> {
  const candidates: Compose[] = [
    { version: "v2", command: ["docker", "compose"] },
    { version: "v1", command: ["docker-compose"] },
  ];
  for (const compose of candidates) {
    const [file, ...args] = compose.command;
    const { failed, stdout } = await execa(file, [...args, "version", "--short"], { stdin: "ignore", reject: false });
    // Somebody's docker-compose may be v2, of the same answers as the plugin.
    if (!failed) return { ...compose, version: /^v?1\./.test(stdout.trim()) ? "v1" : "v2" };
  }
  return undefined;
}

/** What compose itself makes of its files, with the services of every profile. */
export async function resolveFile(compose: Compose, asking: Asking): Promise<ComposeFile> {
  const files = asking.files.flatMap((file) => ["--file", file]);
  const profiles = compose.version === "v1" ? [] : ["--profile", "*"];
  return parseResolved(await run(compose, asking, [...files, ...profiles, ...config(compose)]));
}

/** The variables of the directory's .env, as compose understands that file. */
export async function resolveEnvFile(compose: Compose, directory: string): Promise<Record<string, string>> {
  const file = 'version: "3"\nservices:\n  variables:\n    image: none\n    env_file: .env\n';
  const args = ["--file", "-", "--project-directory", directory, ...config(compose)];
  const resolved = await run(compose, { directory, files: [], project: "variables" }, args, file);
  return parseResolved(resolved).services[0]?.environment ?? {};
}

const config = ({ version }: Compose) => (version === "v1" ? ["config"] : ["config", "--format", "json"]);

/** Takes what `config` prints: the JSON of v2, the YAML of v1. */
export function parseResolved(printed: string): ComposeFile {
  // Compose prints a dollar as it would have to be written in a compose file.
  const text = printed.replaceAll("$$", "$");
  // What YAML takes for a number is not what v1's YAML took for one: 1e3 is a string there.
  const strings: ParseOptions & SchemaOptions = { schema: "failsafe", customTags: (tags) => [...tags, "null"] };
  return readComposeFile((text.startsWith("{") ? JSON.parse(text) : parse(text, strings)) as ResolvedFile);
}

async function run(compose: Compose, asking: Asking, args: string[], input?: string): Promise<string> {
  const [file, ...first] = compose.command;
  const { directory, project } = asking;
  const { failed, stdout, stderr } = await execa(file, [...first, ...args], {
    cwd: directory,
    env: project === undefined ? {} : { COMPOSE_PROJECT_NAME: project },
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    reject: false,
  });
  if (!failed) return stdout;
  const command = compose.command.join(" ");
  const files = asking.files.map((name) => `--file ${name} `).join("");
  throw new UserError(
    "compose-unreadable",
    `${command} cannot read the deployment in ${directory}:\n${withoutSecrets(stderr, directory)}\n` +
      `  see it with: cd ${directory} && ${command} ${files}config --quiet`,
  );
}

/** Compose quotes what it cannot understand of .env, which may be a secret. */
function withoutSecrets(stderr: string, directory: string): string {
  const env = join(directory, ".env");
  const lines = existsSync(env) ? readFileSync(env, "utf8").split("\n") : [];
  const values = lines.map((line) => line.slice(line.indexOf("=") + 1).replaceAll(/^[\s"']+|[\s"']+$/g, ""));
  const longest = values.filter((value) => value.length > 3).sort((a, b) => b.length - a.length);
  const hidden = longest.reduce((text, value) => text.replaceAll(value, "..."), stderr);
  return hidden.replace(/(near|quoted value) ".*/gs, "$1 ...").trim();
}
