import type { Command } from "commander";
import { volumeName, volumesWith } from "../contract/names.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { openStack } from "../pulumi/open.ts";
import { runPulumi } from "../pulumi/run.ts";
import { type StackOptions, stackOption, yesOption } from "./options.ts";

export function registerDestroy(program: Command): void {
  program
    .command("destroy")
    .description("remove the factory's containers and network; its data volumes stay")
    .addOption(stackOption())
    .addOption(yesOption("do not ask before removing anything"))
    .action(destroy);
}

async function destroy({ stack, yes }: StackOptions & { yes?: boolean }): Promise<void> {
  const workspace = await openStack(stack);
  const { factoryName, agents } = workspace.config;
  const kept = volumesWith(Object.keys(agents.hired))
    .map((key) => `  ${volumeName(factoryName, key)}`)
    .join("\n");
  console.log(`Whatever pulumi lists below, the data volumes stay on the Docker host:\n${kept}`);
  // Protected volumes stay in the state as well, and would otherwise refuse the whole destroy.
  await runPulumi(workspace, "destroy", ["--exclude-protected", ...(yes ? ["--yes", "--skip-preview"] : [])]);
  console.log(`Factory ${factoryName} is gone, its data is not: ${factoryCommand} up --stack ${stack} brings it back.`);
}
