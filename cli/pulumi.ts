import type { Command } from "commander";
import { execa } from "execa";
import { openEngine } from "./engine.ts";
import { UserError } from "./error.ts";
import { paths } from "./paths.ts";

export function registerPulumi(program: Command): void {
  program
    .command("pulumi")
    .description("run pulumi itself in the factory's environment: ./factory pulumi -- config --stack dev")
    .argument("[args...]", "arguments of pulumi, after --")
    .action(async (args: string[]) => {
      const { exitCode } = await execa("pulumi", args, {
        cwd: paths.root,
        env: await openEngine(),
        stdio: "inherit",
        reject: false,
      });
      if (exitCode !== 0) throw new UserError("", exitCode === 2 ? 2 : 1);
    });
}
