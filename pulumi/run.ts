import { hostname, userInfo } from "node:os";
import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { paths } from "../lib/paths.ts";
import { onStack, stackDirectory } from "./stack-copy.ts";
import type { Workspace } from "./workspace.ts";

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

/** How pulumi is run on a stack. */
export function projectOptions({ env }: Workspace) {
  // --event-log, by which the SDK's Automation API follows an update, is among pulumi's debug commands.
  return { cwd: paths.pulumiProject, env: { ...env, PULUMI_DEBUG_COMMANDS: "true" }, reject: false } as const;
}
