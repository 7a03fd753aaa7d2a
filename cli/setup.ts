import type { Command } from "commander";
import { openStack } from "../pulumi/open.ts";
import { type StackOptions, stackOption } from "./options.ts";

export function registerSetup(program: Command): void {
  program
    .command("setup")
    .description("install and start what a stack needs: engine, Docker, base image, state (up and test do it too)")
    .addOption(stackOption())
    .action(async ({ stack }: StackOptions) => {
      await openStack(stack, { showReady: true });
    });
}
