import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../contract/user-error.ts";
import { makeOwnDirectory, type Paths } from "../lib/paths.ts";
import type { Progress } from "../lib/progress.ts";
import { credentialsDirectory } from "./engine.ts";

export interface StateOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

/** Where a stack's state lies, and who chose it. */
interface Backend {
  kind: "environment" | "project" | "login" | "local";
  url: string;
}

/**
 * Chooses the backend - PULUMI_BACKEND_URL, the project's, the user's login, else a directory in `.factory/` with a
 * generated passphrase - and returns the variables for it. Throws `SetupError` when the passphrase of existing stacks is gone.
 */
export async function setupState(options: StateOptions): Promise<Record<string, string>> {
  const { paths, env, progress } = options;
  const backend = await chooseBackend(paths, env);
  const variables: Record<string, string> = {
    PULUMI_BACKEND_URL: backend.url,
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
  };
  if (backend.url !== localUrl(paths)) {
    progress.ready("state", `${backend.url} (${sources[backend.kind]})`);
    return variables;
  }
  makeOwnDirectory(paths);
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  if (ownPassphrase(paths, env)) await ensurePassphrase(paths, progress);
  else checkPassphraseFile(env);
  progress.ready("state", `${backend.url} (local)`);
  return ownPassphrase(paths, env) ? { ...variables, PULUMI_CONFIG_PASSPHRASE_FILE: paths.passphrase } : variables;
}

/** The backend that counts, in the order of Pulumi itself, with the local directory as the last. */
async function chooseBackend(paths: Paths, env: NodeJS.ProcessEnv): Promise<Backend> {
  const chosen = await chooseOther(paths, env);
  // Whoever names the directory alone means the same.
  return chosen === undefined || chosen.url === directoryUrl(paths) ? { kind: "local", url: localUrl(paths) } : chosen;
}

async function chooseOther(paths: Paths, env: NodeJS.ProcessEnv): Promise<Backend | undefined> {
  if (env.PULUMI_BACKEND_URL) return { kind: "environment", url: env.PULUMI_BACKEND_URL };
  const project = await projectBackend(paths);
  if (project) return { kind: "project", url: project };
  const login = currentLogin(credentialsDirectory(paths, env));
  return login ? { kind: "login", url: login } : undefined;
}

const sources = { environment: "PULUMI_BACKEND_URL", project: "Pulumi.yaml", login: "pulumi login", local: "local" };

/**
 * The backend in `.factory/`. Pulumi would keep an `.attrs` beside every file of it, written in place: a kill at the wrong moment
 * leaves that one empty, and a stack that cannot be opened. `metadata=skip` does without.
 */
export function localUrl(paths: Paths): string {
  return `${directoryUrl(paths)}?metadata=skip`;
}

const directoryUrl = (paths: Paths) => `file://${paths.state}`;

async function projectBackend(paths: Paths): Promise<string | undefined> {
  const file = join(paths.project, "Pulumi.yaml");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (!/^backend:/m.test(text)) return undefined;
  const { parse } = await import("yaml");
  return parse(text)?.backend?.url;
}

function currentLogin(directory: string): string | undefined {
  const file = join(directory, "credentials.json");
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")).current || undefined;
  } catch (cause) {
    throw new SetupError("state-unreadable", `${file} is not readable as JSON.`, ["pulumi login"], { cause });
  }
}

// An empty PULUMI_CONFIG_PASSPHRASE is a passphrase too, for Pulumi.
function ownPassphrase(paths: Paths, env: NodeJS.ProcessEnv): boolean {
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined) return false;
  return !env.PULUMI_CONFIG_PASSPHRASE_FILE || env.PULUMI_CONFIG_PASSPHRASE_FILE === paths.passphrase;
}

function checkPassphraseFile(env: NodeJS.ProcessEnv): void {
  const file = env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined || !file || existsSync(file)) return;
  throw new SetupError("passphrase-missing", `PULUMI_CONFIG_PASSPHRASE_FILE is ${file}, and there is no such file.`, [
    "put the file there, or: unset PULUMI_CONFIG_PASSPHRASE_FILE",
  ]);
}

async function ensurePassphrase(paths: Paths, progress: Progress): Promise<void> {
  if (existsSync(paths.passphrase)) return;
  const stacks = stacksIn(paths.state);
  if (stacks.length > 0) throw lostPassphrase(paths, stacks);
  await progress.step("Make a passphrase", "it encrypts the secrets in the local state", async (report) => {
    createOnce(paths.passphrase, randomBytes(32).toString("base64url"));
    report.line(`keep a copy of ${paths.passphrase}: without it the stacks' secrets cannot be read`);
  });
}

/** Writes a file that appears complete or not at all and never replaces another (mode 0600). */
function createOnce(file: string, content: string): void {
  const unfinished = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(unfinished, `${content}\n`, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(unfinished, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Names of the stacks a local backend holds: `<project>/<stack>`, or `<stack>` in its oldest layout. */
export function stacksIn(state: string): string[] {
  const directory = join(state, ".pulumi", "stacks");
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.json(\.gz)?$/.test(file))
    .map((file) => file.replace(/\.json(\.gz)?$/, ""))
    .sort();
}

function lostPassphrase(paths: Paths, stacks: string[]): SetupError {
  return new SetupError(
    "passphrase-missing",
    `${paths.passphrase} is missing, and without it the secrets of ${stacks.join(", ")} cannot be read. No new one is made.`,
    [
      `put the file back from a copy: install -m 600 <copy> ${paths.passphrase}`,
      "or give the passphrase itself: export PULUMI_CONFIG_PASSPHRASE=...",
      `or give these stacks up (their containers stay): mv ${paths.state} ${paths.state}.old`,
    ],
  );
}
