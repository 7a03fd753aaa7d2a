import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { paths } from "../lib/paths.ts";
import { type Environment, localUrl } from "../setup/index.ts";
import { hasKept, keepFrom, readGiven, withKept } from "./kept-secrets.ts";
import { stackFileOf } from "./stack-file.ts";
import type { Workspace } from "./workspace.ts";

/** Creates the stack where it does not exist yet, and keeps for it the secrets that are in the environment, encrypted. */
export async function prepareStack(workspace: Workspace): Promise<void> {
  await createStack(workspace);
  await keepGiven(workspace);
}

/** Arguments that name the stack and the file with its config. */
export function onStack(workspace: Workspace): string[] {
  const file = workspace.configFile ?? (keepsOwnCopy(workspace) ? ownCopy(workspace) : undefined);
  return ["--stack", workspace.stack, ...(file === undefined ? [] : ["--config-file", file])];
}

/**
 * Pulumi writes the salt of a passphrase into the stack's file. With the local backend salt and passphrase belong to
 * this machine, so there Pulumi is given a copy, and the file under git stays as it is. The same where secrets come from the
 * environment.
 */
function keepsOwnCopy({ env, stack, text, hasSecretsProvider }: StackPlace): boolean {
  return (
    (env.PULUMI_BACKEND_URL === localUrl(paths) && !hasSecretsProvider) ||
    readGiven(text).length > 0 ||
    hasKept(stack, text)
  );
}

/** How a plain pulumi is told where to work, in the environment of the stack; nothing where it finds that by itself. */
export function plainPulumi(workspace: Workspace): string | undefined {
  const elsewhere = paths.pulumiProject === paths.project ? [] : ["-C", paths.pulumiProject];
  const secrets = hasKept(workspace.stack, workspace.text) ? onStack(workspace) : [];
  if (elsewhere.length === 0 && secrets.length === 0) return undefined;
  return ["pulumi", ...elsewhere, "up", ...(secrets.length > 0 ? secrets : ["--stack", workspace.stack])].join(" ");
}

/** Where the stack's file lies that Pulumi may write to. */
export function stackDirectory(workspace: StackPlace): string {
  return keepsOwnCopy(workspace) ? paths.stacks : paths.pulumiProject;
}

function ownCopy({ stack }: StackPlace): string {
  return join(paths.stacks, `Pulumi.${stack}.yaml`);
}

/** Writes the copy that Pulumi may write to, where there is one. */
export function copyStackFile(workspace: StackPlace): void {
  if (!keepsOwnCopy(workspace)) return;
  mkdirSync(paths.stacks, { recursive: true });
  copyFileSync(join(paths.program, "Pulumi.yaml"), join(paths.stacks, "Pulumi.yaml"));
  const { stack, text } = workspace;
  const given = readGiven(text).map(([key]) => key);
  writeFileSync(ownCopy(workspace), withKept(stack, text, given), { mode: 0o600 });
}

/** Has Pulumi encrypt the secrets that are in the environment and not in the stack's file, whose copy alone gets them. */
async function keepGiven(workspace: Workspace): Promise<void> {
  const given = readGiven(workspace.text);
  if (given.length === 0) return;
  for (const [key, value] of given) {
    // On its standard input: arguments are there for all to see.
    const set = await execa("pulumi", ["config", "set", "--secret", "--stack", workspace.stack, `disinto:${key}`], {
      cwd: paths.stacks,
      env: workspace.env,
      input: value,
      reject: false,
    });
    if (set.exitCode !== 0)
      throw new UserError("secret-unreadable", `disinto:${key} cannot be encrypted:\n${set.stderr}`);
  }
  keepFrom(workspace.stack, workspace.text, readFileSync(ownCopy(workspace), "utf8"));
}

/** What it takes to create a stack. */
type StackPlace = Pick<Workspace, "stack" | "file" | "text" | "hasSecretsProvider" | "env">;

/**
 * Creates a stack that has a file, whatever is in that, and does not exist yet: its first secret is set before its first `up`.
 * Returns the file with its config, where that has secrets which the stack's own has not.
 */
export async function createStackOf(stack: string, env: Environment): Promise<string | undefined> {
  const file = stackFileOf(stack);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const hasSecretsProvider = /^(encryptionsalt|secretsprovider):/m.test(text);
  const place = { stack, file, text, hasSecretsProvider, env };
  await createStack(place);
  return hasKept(stack, text) ? ownCopy(place) : undefined;
}

async function createStack(workspace: StackPlace): Promise<void> {
  copyStackFile(workspace);
  const created = await execa("pulumi", ["stack", "select", "--create", workspace.stack], {
    cwd: stackDirectory(workspace),
    env: workspace.env,
    stdin: "ignore",
    reject: false,
  });
  if (created.exitCode !== 0) {
    throw new UserError(
      "state-unreadable",
      `Stack ${workspace.stack} cannot be opened:\n${created.stderr}\n` +
        `Its state is at ${workspace.env.PULUMI_BACKEND_URL}; ${factoryCommand} env --stack ${workspace.stack} shows the settings.`,
    );
  }
}
