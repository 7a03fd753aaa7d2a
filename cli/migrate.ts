import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import confirm from "@inquirer/confirm";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../contract/user-error.ts";
import { withLock } from "../lib/lock.ts";
import { paths } from "../lib/paths.ts";
import { carryOut, interruptible } from "../operations/migrate/carry-out/carry-out.ts";
import { isGoingBack, isUnderWay, type Journal, readJournal } from "../operations/migrate/carry-out/journal.ts";
import { undoMigration } from "../operations/migrate/carry-out/undo.ts";
import { parsePlace } from "../operations/migrate/place.ts";
import { makePlan, type Planned } from "../operations/migrate/plan/make-plan.ts";
import type { Answers, Plan } from "../operations/migrate/plan/plan.ts";
import { formatPlan } from "../operations/migrate/plan/text.ts";
import { readDeployment } from "../operations/migrate/read/read-deployment.ts";
import { stackFileOf } from "../pulumi/stack-file.ts";
import { createProgress, defaultDockerHost, setup } from "../setup/index.ts";
import { jsonOption, yesOption } from "./options.ts";

interface MigrateOptions extends Answers {
  from?: string;
  stack?: string;
  apply?: boolean;
  undo?: boolean;
  yes?: boolean;
  json?: boolean;
}

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

/** One at a time in this project, whatever their stacks: a second one sees what the first has left. */
async function migrate(options: MigrateOptions): Promise<void> {
  const report = { line: (text: string) => console.error(text), now: () => undefined };
  await withLock(paths, "migrate", report, () => (options.undo ? undo(options.stack) : planOrApply(options)));
}

async function planOrApply(options: MigrateOptions): Promise<void> {
  const host = process.env.DOCKER_HOST ?? defaultDockerHost;
  const { from } = options;
  const begun = options.stack === undefined ? undefined : readJournal(options.stack);
  if (begun !== undefined && isUnderWay(begun)) return goOn(options, begun);
  if (from === undefined) throw new UserError("usage", "Which deployment? ./factory migrate --from <directory>", 2);
  const progress = createProgress();
  await setup({ dockerHost: host, needsDocker: true, needsBaseImage: true, needsSnapshotImage: true, progress });
  const deployment = await readDeployment(resolve(from), host);
  const stack = options.stack ?? deployment.project;
  const journal = readJournal(stack);
  if (journal !== undefined && isUnderWay(journal)) return goOn(options, journal);
  refuseStackFile(stack, journal);
  const planned = await makePlan({ deployment, stack, host, answers: options, migration: journal?.id });
  show(planned, options);
  if (!options.apply) return;
  if (!options.yes) await confirmed(planned.plan);
  const id = journal?.id ?? randomBytes(8).toString("hex");
  await carryOut({ id, phase: "configuring", plan: planned.plan, copies: {}, started: false }, planned.values);
}

/** A migration that was begun before, and not undone. */
async function goOn({ apply = false }: MigrateOptions, journal: Journal): Promise<void> {
  if (journal.phase === "done") throw alreadyDone(journal);
  if (!apply || isGoingBack(journal)) throw cutOff(journal);
  const { plan } = journal;
  const { from, stack, factory, host } = plan;
  // The plan has no secrets; once they are encrypted nobody needs them.
  const values = async () => {
    const answers = { name: factory, data: {} };
    return (await makePlan({ deployment: await readDeployment(from, host), stack, host, answers })).values;
  };
  await carryOut(journal, journal.phase === "configuring" ? await values() : new Map());
}

/** @throws UserError where it asks for something */
function show({ plan }: Planned, { json = false, apply = false }: MigrateOptions): void {
  console.log(json ? JSON.stringify(plan, undefined, 2) : formatPlan(plan));
  if (plan.questions.length > 0)
    throw new UserError("migration-unanswered", "Nothing was changed: the plan asks for something first.", 2);
  if (!json && !apply) console.log("\nTo carry it out: the same command with --apply.");
}

async function undo(stack: string | undefined): Promise<void> {
  if (stack === undefined) throw new UserError("usage", "Which stack? ./factory migrate --undo --stack <stack>", 2);
  const journal = readJournal(stack);
  if (journal === undefined || journal.phase === "undone") {
    throw new UserError(
      "migration-unknown",
      `Stack ${stack} has no migration to undo (.factory/migrations has them).`,
      2,
    );
  }
  const { signal: _, end } = interruptible();
  try {
    console.log(await undoMigration(journal));
  } finally {
    end();
  }
}

async function confirmed({ stack, from }: Plan): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "nobody-to-ask",
      `Nobody to ask here. Nothing was changed: ./factory migrate --from ${from} --stack ${stack} --apply --yes`,
      2,
    );
  }
  if (!(await confirm({ message: "Carry it out?", default: false })))
    throw new UserError("cancelled", "Nothing was changed.");
}

function refuseStackFile(stack: string, journal: Journal | undefined): void {
  if (journal !== undefined || !existsSync(stackFileOf(stack))) return;
  throw new UserError(
    "stack-file-exists",
    `There is a Pulumi.${stack}.yaml already, which is not written over. Choose another --stack.`,
    2,
  );
}

function alreadyDone({ plan }: Journal): UserError {
  return new UserError(
    "migration-done",
    `Compose project ${plan.project} is stack ${plan.stack} already.\n` +
      `  status      ./factory status --stack ${plan.stack}\n  to go back  ./factory migrate --undo --stack ${plan.stack}`,
    2,
  );
}

function cutOff(journal: Journal): UserError {
  const { plan, phase } = journal;
  const on = `  to go on    ./factory migrate --from ${plan.from} --stack ${plan.stack} --apply\n`;
  return new UserError(
    "migration-cut-off",
    `The migration of ${plan.project} was cut off (at ${phase}). Nothing is lost.\n` +
      `${isGoingBack(journal) ? "" : on}  to go back  ./factory migrate --undo --stack ${plan.stack}`,
  );
}
