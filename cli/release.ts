import type { Command } from "commander";
import { release } from "../operations/release/pipeline.ts";
import { jsonOption, stackOption } from "./options.ts";

export function registerRelease(program: Command): void {
  program
    .command("release")
    .description("make a version of what is committed, in eight steps: into the registry, and onto the stack's factory")
    .argument("<version>", "newer than the last one: v0.2.0")
    .addOption(stackOption("prod"))
    .option("-n, --dry-run", "check and build alone: nothing is tagged, pushed or changed")
    .option("--action", "print the action file with which a factory's runner makes the release, and do nothing")
    .addOption(jsonOption())
    .action(release);
}
