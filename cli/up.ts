import type { Command } from "commander";
import { apply } from "../operations/upgrade/up.ts";
import { openStack } from "../pulumi/open.ts";
import { type StackOptions, stackOption, yesOption } from "./options.ts";

export function registerUp(program: Command): void {
  program
    .command("up")
    .description("set up what is missing, then bring the factory to what the stack's config says")
    .addOption(stackOption())
    .addOption(yesOption("do not ask before changing anything"))
    .action(async ({ stack, yes = false }: StackOptions & { yes?: boolean }) => {
      await apply(await openStack(stack), "up", { ask: !yes });
    });
}
