import type { Command } from "commander";
import { codeIn } from "../contract/error-codes.ts";
import { UserError } from "../contract/user-error.ts";
import { formatPreview, type Preview } from "../operations/preview/markdown.ts";
import { refreshOptions } from "../operations/upgrade/drift.ts";
import { compareConfig, type StackConfig, secretValues } from "../pulumi/config-changes.ts";
import { capturePreview } from "../pulumi/events.ts";
import { askHistory } from "../pulumi/history.ts";
import { openStack } from "../pulumi/open.ts";
import { askPulumi, runPulumi } from "../pulumi/run.ts";
import { readState } from "../pulumi/state.ts";
import type { Workspace } from "../pulumi/workspace.ts";
import { type StackOptions, stackOption } from "./options.ts";

type PreviewOptions = StackOptions & { diff?: boolean; markdown?: boolean };

export function registerPreview(program: Command): void {
  program
    .command("preview")
    .description("show what `up` would change")
    .addOption(stackOption())
    .option("--diff", "show every property that changes")
    .option("--markdown", "print a comment for a pull request, and nothing else, on stdout")
    .action(({ stack, diff, markdown }: PreviewOptions) => (markdown ? comment(stack) : show(stack, diff)));
}

async function show(stack: string, diff = false): Promise<void> {
  const workspace = await openStack(stack);
  await runPulumi(workspace, "preview", [
    ...(await refreshOptions(workspace, await readState(workspace))),
    ...(diff ? ["--diff"] : []),
  ]);
}

/** Prints the comment, of a preview that failed as well, which then still fails. */
async function comment(stack: string): Promise<void> {
  let workspace: Workspace;
  try {
    workspace = await openStack(stack);
  } catch (error) {
    console.log(formatPreview(brokenOff(stack, error)));
    throw error;
  }
  const preview = await readPreview(workspace);
  console.log(formatPreview(preview));
  if (preview.errors.length > 0)
    throw new UserError(
      codeIn(preview.errors.join("\n")) ?? "pulumi-failed",
      `pulumi preview failed on stack ${stack}; the comment says why.`,
    );
}

/** What ended before pulumi could say anything: the stack's file, or the set-up. */
function brokenOff(stack: string, error: unknown): Preview {
  const message = error instanceof UserError ? error.shown : (error as Error).message;
  return { stack, steps: [], errors: [message], diff: "", config: { kind: "unknown" }, secrets: [] };
}

async function readPreview(workspace: Workspace): Promise<Preview> {
  const [preview, config] = [await capturePreview(workspace), await readConfig(workspace)];
  return { stack: workspace.stack, ...preview, ...config };
}

/** Secrets are decrypted to see whether they changed, and to keep them out of the comment. */
async function readConfig(workspace: Workspace): Promise<Pick<Preview, "config" | "secrets">> {
  const current = await askPulumi<StackConfig>(workspace, ["config", "--show-secrets"]);
  const history = await askHistory(workspace);
  const deployed = (history ?? []).map(({ config }) => config);
  return { config: compareConfig(current, history), secrets: secretValues(current ?? {}, ...deployed) };
}
