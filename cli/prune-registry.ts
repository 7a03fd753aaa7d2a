import { type Command, InvalidArgumentError, Option } from "commander";
import { pruneRegistry } from "../operations/release/prune-registry.ts";
import { jsonOption, stackOption, yesOption } from "./options.ts";

export function registerPruneRegistry(program: Command): void {
  program
    .command("prune-registry")
    .description("delete old versions from the stack's registry; what the factory runs or can go back to stays")
    .addOption(stackOption("prod"))
    .addOption(
      new Option("-k, --keep <count>", "versions that stay besides, the newest").default(10).argParser(parseCount),
    )
    .addOption(jsonOption())
    .addOption(yesOption("do not ask before deleting"))
    .action(pruneRegistry);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("It is a whole number from 1 to 9999.");
  return Number(text);
}
