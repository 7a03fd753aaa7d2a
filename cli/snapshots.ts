import type { Command } from "commander";
import { readSnapshots } from "../operations/data/restic.ts";
import { openStore } from "../operations/data/store.ts";
import { formatSnapshots } from "../operations/data/text.ts";
import { openStack } from "../pulumi/open.ts";
import { jsonOption, type StackOptions, stackOption } from "./options.ts";

export function registerSnapshots(program: Command): void {
  program
    .command("snapshots")
    .description("list the snapshots of the data volumes: when, of which release, how much, and why")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action(async ({ stack, json }: StackOptions & { json?: boolean }) => {
      const store = await openStore(await openStack(stack));
      const snapshots = await readSnapshots(store);
      console.log(json ? JSON.stringify(snapshots, null, 2) : formatSnapshots(store, snapshots));
    });
}
