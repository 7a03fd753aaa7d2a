import type { Command } from "commander";
import { adopt } from "../operations/adopt/adopt.ts";
import { openStack } from "../pulumi/open.ts";
import { type StackOptions, stackOption, yesOption } from "./options.ts";

export function registerAdopt(program: Command): void {
  program
    .command("adopt")
    .description("take over containers of the factory that the stack's state does not know, as they run")
    .addOption(stackOption())
    .addOption(yesOption("do not ask before anything is taken over, or removed"))
    .action(async ({ stack, yes = false }: StackOptions & { yes?: boolean }) => {
      await adopt(await openStack(stack), { ask: !yes });
    });
}
