import type { Command } from "commander";
import { questions } from "../operations/init/answers.ts";
import { init } from "../operations/init/init.ts";
import { stackOption } from "./options.ts";

export function registerInit(program: Command): void {
  const command = program
    .command("init")
    .description("write the file of a new stack, and check its tokens: asks on a terminal, takes flags elsewhere")
    .addOption(stackOption("prod"))
    .addHelpText("after", "\nTokens come from the environment, FORGE_TOKEN and REGISTRY_READ_TOKEN, or are asked for.");
  for (const { flag, value, says, byDefault } of Object.values(questions)) {
    command.option(`${flag} <${value}>`, byDefault === undefined ? says : `${says} (default: ${byDefault})`);
  }
  command.action(init);
}
