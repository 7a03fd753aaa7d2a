import { UserError } from "../contract/user-error.ts";
import { pulumiCommand } from "../lib/factory-command.ts";
import type { HistoryEntry } from "./config-changes.ts";
import { askPulumi } from "./run.ts";
import type { Workspace } from "./workspace.ts";

/** The stack's updates, the newest first; undefined where Pulumi cannot say. */
export function askHistory(workspace: Workspace): Promise<HistoryEntry[] | undefined> {
  return askPulumi(workspace, ["stack", "history", "--show-secrets", "--page-size=100"]);
}

/**
 * The stack's updates, the newest first.
 * @throws UserError where Pulumi cannot say
 */
export async function readHistory(workspace: Workspace): Promise<HistoryEntry[]> {
  const history = await askHistory(workspace);
  if (history !== undefined) return history;
  const { stack, env } = workspace;
  throw new UserError(
    "state-unreadable",
    `Pulumi does not give the history of stack ${stack} at ${env.PULUMI_BACKEND_URL}.\n` +
      `It says why here: ${pulumiCommand} stack history --stack ${stack}`,
  );
}
