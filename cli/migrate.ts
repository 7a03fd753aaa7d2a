import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import confirm from "@inquirer/confirm";
import { type Command, InvalidArgumentError, Option } from "commander";
import { codeOf, UserError } from "./error.ts";
import { applyPlan } from "./migrate/apply.ts";
import { enter, type Journal, readJournal, writeJournal } from "./migrate/journal.ts";
import { makePlan, type Planned } from "./migrate/make-plan.ts";
import { oldName } from "./migrate/old-containers.ts";
import { parsePlace } from "./migrate/place.ts";
import type { Answers, Plan } from "./migrate/plan.ts";
import { readDeployment } from "./migrate/read-deployment.ts";
import { formatPlan } from "./migrate/text.ts";
import { undoMigration } from "./migrate/undo.ts";
import { jsonOption, yesOption } from "./options.ts";
import { paths } from "./paths.ts";
import { createProgress, defaultDockerHost, setup } from "./setup/index.ts";
import { withLock } from "./setup/lock.ts";
import { stackFileOf } from "./stack-file.ts";

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

async function migrate(options: MigrateOptions): Promise<void> {
  if (options.undo) return undo(options.stack);
  const { from } = options;
  if (from === undefined) throw new UserError("usage", "Which deployment? ./factory migrate --from <directory>", 2);
  const host = process.env.DOCKER_HOST ?? defaultDockerHost;
  await setup({
    dockerHost: host,
    needsDocker: true,
    needsBaseImage: true,
    needsSnapshotImage: true,
    progress: createProgress(),
  });
  const deployment = await readDeployment(resolve(from), host);
  const stack = options.stack ?? deployment.project;
  await locked(stack, async () => {
    const journal = readJournal(stack);
    if (journal?.phase === "done") throw alreadyDone(journal);
    refuseStackFile(stack, journal);
    const isCutOff = journal !== undefined && journal.phase !== "undone";
    if (isCutOff && !options.apply) throw cutOff(journal);
    if (isCutOff && ["undoing", "returning"].includes(journal.phase)) throw cutOff(journal);
    const planned = await makePlan({ deployment, stack, host, answers: options, migration: journal?.id });
    if (isCutOff) return carryOut(journal, planned.values);
    await showPlan(planned, options);
    if (!options.apply) return;
    const { plan, values } = planned;
    if (!options.yes) await confirmed(plan);
    const begun: Journal = {
      id: journal?.id ?? randomBytes(8).toString("hex"),
      phase: "configuring",
      plan,
      copies: {},
      started: false,
    };
    writeJournal(begun);
    await carryOut(begun, values);
  });
}

async function showPlan({ plan }: Planned, { json = false }: MigrateOptions): Promise<void> {
  console.log(json ? JSON.stringify(plan, undefined, 2) : formatPlan(plan));
  if (plan.questions.length > 0)
    throw new UserError("migration-unanswered", "Nothing was changed: the plan asks for something first.", 2);
  if (!json) console.log(`\nTo carry it out: the same command with --apply.`);
}

async function carryOut(journal: Journal, values: Map<string, string>): Promise<void> {
  const { plan } = journal;
  const { signal, end } = interruptible();
  try {
    await applyPlan(journal, values, signal);
  } catch (error) {
    throw await goBack(journal, signal.aborted ? new UserError("cancelled", "Interrupted.") : error);
  } finally {
    end();
  }
  console.log(done(plan));
}

/** Ctrl-C and the like are for the steps to see, not the end of this process. */
function interruptible(): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, abort);
  const end = () => {
    for (const name of signals) process.off(name, abort);
  };
  return { signal: controller.signal, end };
}

/** After a step that failed. @returns what to tell */
async function goBack(journal: Journal, error: unknown): Promise<UserError> {
  const why = error instanceof UserError ? error.message : String((error as Error).stack ?? error);
  const again = `./factory migrate --from ${journal.plan.from} --stack ${journal.plan.stack}`;
  if (["configuring", "rehearsing"].includes(journal.phase)) {
    enter(journal, "undone");
    return new UserError(
      codeOf(error),
      `${why}\nThe old deployment was not touched. Once that is mended: ${again} --apply`,
    );
  }
  console.log("Going back to the old deployment.");
  try {
    await undoMigration(journal);
  } catch (second) {
    return new UserError(
      "migration-cut-off",
      `${why}\nGoing back failed too: ${(second as Error).message}\nNothing is lost. Once that is mended: ./factory migrate --undo --stack ${journal.plan.stack}`,
    );
  }
  return new UserError(codeOf(error), `${why}\nThe old deployment runs again. Once that is mended: ${again} --apply`);
}

async function undo(stack: string | undefined): Promise<void> {
  if (stack === undefined) throw new UserError("usage", "Which stack? ./factory migrate --undo --stack <stack>", 2);
  await locked(stack, async () => {
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
  });
}

async function locked(stack: string, work: () => Promise<void>): Promise<void> {
  const report = { line: (text: string) => console.log(text), now: () => undefined };
  await withLock(paths, `migrate-${stack}`, report, work);
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

function cutOff({ plan, phase }: Journal): UserError {
  const on = `  to go on    ./factory migrate --from ${plan.from} --stack ${plan.stack} --apply\n`;
  return new UserError(
    "migration-cut-off",
    `The migration of ${plan.project} was cut off (at ${phase}). Nothing is lost.\n` +
      `${["undoing", "returning"].includes(phase) ? "" : on}  to go back  ./factory migrate --undo --stack ${plan.stack}`,
  );
}

function done({ project, stack, old, data, from }: Plan): string {
  const copied = data.flatMap(({ source }) => (source.kind === "copy" ? [source.from] : []));
  const places = copied.map((place) => (place.kind === "volume" ? place.name : place.path));
  return [
    `Compose project ${project} is factory stack ${stack} now. Nothing of the old deployment was removed.`,
    `  to go back      ./factory migrate --undo --stack ${stack}`,
    `  the password    ./factory pulumi -- config get --stack ${stack} disinto:snapshotPassword (keep a copy elsewhere)`,
    `  do not type     docker compose up in ${from}: it would start the old containers beside the new`,
    "Once all is well, and nobody wants to go back:",
    `  docker rm ${old.map(({ name }) => oldName(name)).join(" ")}`,
    ...(places.length === 0 ? [] : [`  and the places the data was copied from: ${[...new Set(places)].join(" ")}`]),
  ].join("\n");
}
