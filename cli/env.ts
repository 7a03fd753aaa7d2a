import type { Command } from "commander";
import { factoryCommand } from "../lib/factory-command.ts";
import { openStack } from "../pulumi/open.ts";
import { plainPulumi } from "../pulumi/stack-copy.ts";
import { type StackOptions, stackOption } from "./options.ts";

export function registerEnv(program: Command): void {
  program
    .command("env")
    .description(`print the environment in which a plain pulumi works: eval "$(${factoryCommand} env)"`)
    .addOption(stackOption())
    .action(async ({ stack }: StackOptions) => {
      const workspace = await openStack(stack);
      const how = plainPulumi(workspace);
      if (how !== undefined) console.error(`In it, the stack is worked on by: ${how}`);
      for (const [name, value] of Object.entries(workspace.env))
        console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
    });
}
