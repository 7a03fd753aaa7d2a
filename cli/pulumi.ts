import type { Command } from "commander";
import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { pulumiCommand } from "../lib/factory-command.ts";
import { paths } from "../lib/paths.ts";
import { openEngine } from "../pulumi/open.ts";
import { createStackOf } from "../pulumi/stack-copy.ts";

export function registerPulumi(program: Command): void {
  program
    .command("pulumi")
    .description(`run pulumi itself in the factory's environment: ${pulumiCommand} config --stack dev`)
    .argument("[args...]", "arguments of pulumi, after --")
    .action(async (args: string[]) => {
      const env = await openEngine();
      const stack = namedStack(args);
      const configFile = stack === undefined ? undefined : await createStackOf(stack, env);
      const { exitCode } = await execa("pulumi", withConfig(args, configFile), {
        cwd: paths.pulumiProject,
        env,
        stdio: "inherit",
        reject: false,
      });
      if (exitCode !== 0) throw new UserError("pulumi-failed", "", exitCode === 2 ? 2 : 1);
    });
}

/** What runs the program needs the secrets that are kept beside the stack's file; what changes the config is for that file. */
function withConfig(args: string[], file: string | undefined): string[] {
  const runs = ["up", "update", "preview", "refresh", "destroy"].includes(args[0] ?? "");
  return file === undefined || !runs || args.includes("--config-file") ? args : [...args, "--config-file", file];
}

function namedStack(args: string[]): string | undefined {
  const flag = args.findIndex((word) => word === "--stack" || word === "-s");
  return flag === -1 ? args.find((word) => word.startsWith("--stack="))?.slice("--stack=".length) : args[flag + 1];
}
