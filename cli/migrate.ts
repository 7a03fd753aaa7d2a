import { type Command, InvalidArgumentError, Option } from "commander";
import { migrate } from "../operations/migrate/migrate.ts";
import { parsePlace } from "../operations/migrate/place.ts";
import type { Answers } from "../operations/migrate/plan/plan.ts";
import { jsonOption, yesOption } from "./options.ts";

export function registerMigrate(program: Command): void {
  program
    .command("migrate")
    .description("move a docker compose deployment here: shows the plan, and changes nothing without --apply")
    .option("--from <directory>", "directory with the compose file")
    .addOption(new Option("-s, --stack <stack>", "stack that it becomes (default: the compose project's name)"))
    .option("--apply", "carry the plan out, or go on where it was cut off")
    .addOption(new Option("--undo", "go back to compose, with all that was written since").conflicts("apply"))
    .option("--release <version>", "version of the images (default: the one that runs, where it is pinned)")
    .option("--registry <address>", "where the images lie (default: where the running ones come from)")
    .option("--registry-user <name>", "user of REGISTRY_READ_TOKEN")
    .option("--name <name>", "name of the factory (default: the compose project's name)")
    .option("--http-port <port>", "port for HTTP on the host (default: the old edge's)", port)
    .option("--https-port <port>", "port for HTTPS on the host (default: the old edge's)", port)
    .option("--data <volume=place>", "where a volume's data lies: a volume, an absolute path, or empty", addPlace, {})
    .option("--snapshots <repository>", "where the snapshot goes (default: /var/backups/<name>)")
    .addOption(yesOption("do not ask before changing anything"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe old containers are stopped and kept, their volumes and directories stay; forge, CI and all else run on untouched.\n" +
        "A step that fails goes back by itself. One that was killed: --apply goes on, --undo goes back.\n" +
        "Exit codes: 0 done, or a plan that could be carried out; 1 failed; 2 something has to be said first (the plan asks it).",
    )
    .action(migrate);
}

function port(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number < 65536) return number;
  throw new InvalidArgumentError("A port is a whole number from 1 to 65535.");
}

function addPlace(text: string, places: Answers["data"]): Answers["data"] {
  const [, key, place] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
  if (key === undefined || place === undefined) throw new InvalidArgumentError("It is <volume>=<place>.");
  return { ...places, [key]: place === "empty" ? "empty" : parsePlace(place) };
}
