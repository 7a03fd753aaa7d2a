import { writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { paths } from "../lib/paths.ts";
import { createProgress, defaultDockerHost, type Environment, setup, setupTestTools } from "../setup/index.ts";
import { copyStackFile, onStack, prepareStack, stackDirectory } from "./stack-copy.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";

/** A stack that is ready for `pulumi` to work on. */
export interface Workspace extends StackFile {
  /** Environment in which a plain `pulumi` finds its engine, its backend and its passphrase. */
  env: Environment;
  /** File with the config, where it is not the stack's own. */
  configFile?: string;
}

/** Sets up the engine and its state alone: enough for pulumi commands that touch no container. */
export function openEngine(): Promise<Environment> {
  return setup({
    dockerHost: defaultDockerHost,
    needsDocker: false,
    needsBaseImage: false,
    progress: createProgress(),
  });
}

/** Sets up all that the tests use: engine, Docker, base image, and the tools of the tests themselves. */
export async function openTestEnvironment(): Promise<Environment> {
  const progress = createProgress();
  const dockerHost = process.env.DOCKER_HOST ?? defaultDockerHost;
  const env = await setup({ dockerHost, needsDocker: true, needsBaseImage: true, progress });
  await setupTestTools({ paths, env: process.env, progress });
  return env;
}

export interface OpenOptions {
  /** Say also what was there already. @default false */
  showReady?: boolean;
  /** Images are built, whatever the stack runs. @default false */
  builds?: boolean;
}

/** Reads the stack's file, sets up what is missing for it, and creates the stack where it does not exist yet. */
export async function openStack(
  stack: string,
  { showReady = false, builds = false }: OpenOptions = {},
): Promise<Workspace> {
  const file = readStackFile(stack);
  const { images, build, snapshots } = file.config;
  const needsSnapshotImage = snapshots !== undefined;
  const sources = builds ? [build] : Object.values(images);
  const needsBaseImage = needsSnapshotImage || sources.some((image) => image.kind === "build" && !image.source);
  const env = await setup({
    stack,
    dockerHost: file.config.dockerHost,
    needsDocker: true,
    needsBaseImage,
    needsSnapshotImage,
    progress: createProgress({ showReady }),
  });
  const workspace = { ...file, env };
  await prepareStack(workspace);
  return workspace;
}

/** The same stack with another content of its file, which is written. */
export function saveStackFile(workspace: Workspace, changed: StackFile): Workspace {
  writeFileSync(changed.file, changed.text);
  const saved = { ...workspace, ...changed };
  copyStackFile(saved);
  return saved;
}

/** Arguments with which pulumi changes things without a preview and a question. */
export const unasked = ["--yes", "--skip-preview"];

/** What the history says of an update: what it was, and by whom. */
export function historyMessage(what: string): string[] {
  return ["--message", `${what} by ${userInfo().username}@${hostname()}`];
}

/**
 * Runs pulumi on the stack, its output on this terminal.
 * @throws UserError where it fails; pulumi has said why
 */
export async function runPulumi(workspace: Workspace, verb: string, args: string[] = []): Promise<void> {
  // Ctrl-C reaches pulumi too, which then ends in good order, and is killed where this process ends before it.
  process.on("SIGINT", leaveItToPulumi);
  const { exitCode } = await execa("pulumi", [verb, ...onStack(workspace), ...args], {
    ...projectOptions(workspace),
    stdio: "inherit",
  });
  process.off("SIGINT", leaveItToPulumi);
  if (exitCode !== 0)
    throw new UserError("pulumi-failed", `pulumi ${verb} failed on stack ${workspace.stack}; it says why above.`);
}

function leaveItToPulumi(): void {}

/** How a captured run of pulumi ended, and what it printed. */
export interface Captured {
  failed: boolean;
  stdout: string;
  stderr: string;
}

/** Runs pulumi on the stack, its output captured; whether it failed is for the caller to look at. */
export async function capturePulumi(workspace: Workspace, verb: string, args: string[] = []): Promise<Captured> {
  const { exitCode, stdout, stderr } = await execa("pulumi", [verb, ...onStack(workspace), ...args], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  return { failed: exitCode !== 0, stdout, stderr };
}

/** Takes the lock off a stack. */
export async function cancelUpdate(workspace: Workspace): Promise<void> {
  const { exitCode, stderr } = await execa("pulumi", ["cancel", "--yes", "--stack", workspace.stack], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  if (exitCode !== 0)
    throw new UserError("state-unreadable", `The lock of stack ${workspace.stack} cannot be taken away:\n${stderr}`);
}

/** Asks pulumi for what it knows of the stack, as JSON; undefined where it cannot say. */
export async function askPulumi<T>(workspace: Workspace, question: string[]): Promise<T | undefined> {
  const { exitCode, stdout } = await execa("pulumi", [...question, "--json", "--stack", workspace.stack], {
    ...projectOptions(workspace),
    // A question that decrypts writes the salt into the stack's file: the one Pulumi may write to.
    cwd: stackDirectory(workspace),
    stdin: "ignore",
  });
  return exitCode === 0 ? (JSON.parse(stdout) as T) : undefined;
}

/** A resource as the state has it. */
export interface StateResource {
  urn: string;
  type: string;
  /** What the provider knows it by: a container's ID, a volume's name. */
  id?: string;
  inputs?: Record<string, unknown>;
}

/** What Pulumi wrote down of a stack. */
export interface StackState {
  resources: StateResource[];
  /** Whether an update was cut off, so that Pulumi does not know how some of its steps ended. */
  cutOff: boolean;
  /** Types of the resources that those steps are about. */
  unfinished: string[];
}

/** A whole state, as Pulumi exports and imports it; secrets are encrypted in it. */
export interface Deployment {
  version: number;
  deployment: { resources?: StateEntry[]; pending_operations?: { resource: StateResource }[] };
}

/** A resource as an exported state has it. */
export interface StateEntry extends StateResource {
  custom: boolean;
  parent?: string;
  provider?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[]>;
  outputs?: Record<string, unknown>;
  [more: string]: unknown;
}

/**
 * The state of a stack; no secret in it is decrypted.
 * @param stack another stack of the same project
 * @throws UserError where Pulumi cannot say
 */
export async function readState(workspace: Workspace, stack = workspace.stack): Promise<StackState> {
  const { resources = [], pending_operations = [] } = (await exportState(workspace, stack)).deployment ?? {};
  const unfinished = pending_operations.map(({ resource }) => resource.type);
  return { resources, cutOff: unfinished.length > 0, unfinished };
}

/** The whole state of a stack; no secret in it is decrypted. */
export async function exportState(workspace: Workspace, stack = workspace.stack): Promise<Deployment> {
  const { exitCode, stdout, stderr } = await execa("pulumi", ["stack", "export", "--stack", stack], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  if (exitCode !== 0) throw new UserError("state-unreadable", `The state of stack ${stack} cannot be read:\n${stderr}`);
  return JSON.parse(stdout);
}

/** Writes the whole state of a stack, at once; plain secrets in it are encrypted on the way. */
export async function importState(workspace: Workspace, state: Deployment): Promise<void> {
  const { exitCode, stderr } = await execa("pulumi", ["stack", "import", "--stack", workspace.stack], {
    ...projectOptions(workspace),
    input: JSON.stringify(state),
  });
  if (exitCode !== 0)
    throw new UserError("state-unreadable", `The state of stack ${workspace.stack} cannot be written:\n${stderr}`);
}

/** Takes a resource out of a stack's state, a protected one too; nothing is changed on the host. */
export async function forgetResource(workspace: Workspace, { urn }: StateResource): Promise<void> {
  const args = ["state", "delete", urn, "--force", "--yes", "--stack", workspace.stack];
  const { exitCode, stderr } = await execa("pulumi", args, { ...projectOptions(workspace), stdin: "ignore" });
  if (exitCode !== 0) throw new UserError("state-unreadable", `${urn} cannot be taken out of the state:\n${stderr}`);
}

/** Names of the project's stacks in this backend. */
export async function listStacks(workspace: Workspace): Promise<string[]> {
  const { stdout } = await execa("pulumi", ["stack", "ls", "--json"], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
}

/** How pulumi is run on a stack. */
export function projectOptions({ env }: Workspace) {
  // --event-log, by which the SDK's Automation API follows an update, is among pulumi's debug commands.
  return { cwd: paths.pulumiProject, env: { ...env, PULUMI_DEBUG_COMMANDS: "true" }, reject: false } as const;
}
