import type { Command } from "commander";
import { openStack, runPulumi } from "./engine.ts";
import { type StackOptions, stackOption } from "./options.ts";

export function registerPreview(program: Command): void {
  program
    .command("preview")
    .description("show what `up` would change")
    .addOption(stackOption())
    .option("--diff", "show every property that changes")
    .action(async ({ stack, diff }: StackOptions & { diff?: boolean }) => {
      await runPulumi(await openStack(stack), "preview", diff ? ["--diff"] : []);
    });
}
