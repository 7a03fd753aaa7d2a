import type { Command } from "commander";
import { openStore } from "../operations/data/store.ts";
import { takeSnapshot } from "../operations/data/take.ts";
import { formatTaken } from "../operations/data/text.ts";
import { openStack } from "../pulumi/open.ts";
import { createProgress } from "../setup/index.ts";
import { type StackOptions, stackOption } from "./options.ts";

export function registerSnapshot(program: Command): void {
  program
    .command("snapshot")
    .description("snapshot the data volumes, encrypted, to where the stack's config says (snapshots.repository)")
    .addOption(stackOption())
    .addHelpText(
      "after",
      "\nWhat writes to the volumes (agents, runner, reproduce) is paused while they are read, and goes on after, also when the\n" +
        "snapshot fails or is killed. The edge is not paused: its certificates are files that are replaced as a whole.\n" +
        "Only what changed since the last snapshot is added; older ones than the newest snapshots.keep are removed.",
    )
    .action(snapshot);
}

async function snapshot({ stack }: StackOptions): Promise<void> {
  const workspace = await openStack(stack);
  const store = await openStore(workspace);
  const { keep } = workspace.config.snapshots ?? {};
  const taken = await takeSnapshot(store, { why: "manual", keep, progress: createProgress() });
  console.log(formatTaken(store, taken));
}
