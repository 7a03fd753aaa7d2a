import type { Command } from "commander";
import { openStack } from "./engine.ts";
import { type StackOptions, stackOption } from "./options.ts";

export function registerEnv(program: Command): void {
  program
    .command("env")
    .description('print the environment in which a plain pulumi works: eval "$(./factory env)"')
    .addOption(stackOption())
    .action(async ({ stack }: StackOptions) => {
      const { env } = await openStack(stack);
      for (const [name, value] of Object.entries(env))
        console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
    });
}
