import { type Command, Option } from "commander";
import { rollback } from "../operations/rollback/rollback.ts";
import { jsonOption, stackOption, yesOption } from "./options.ts";

export function registerRollback(program: Command): void {
  program
    .command("rollback")
    .description("go back to the version that was healthy before the one that runs, or to a chosen one")
    .argument("[version]", "a version, or the first digits of the agents' digest (--list shows both)")
    .addOption(stackOption())
    .option("-l, --list", "list the versions it can go to, and change nothing")
    .addOption(jsonOption().implies({ list: true }))
    .addOption(
      new Option(
        "--restore",
        "bring the data of then back too, from the snapshot of when that version was left",
      ).conflicts("keepData"),
    )
    .option("--keep-data", "go on with the data of now, also where a newer format of it was written")
    .addOption(yesOption("do not ask before changing anything"))
    .action(rollback);
}
