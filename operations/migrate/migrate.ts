import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import confirm from "@inquirer/confirm";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { withLock } from "../../lib/lock.ts";
import { paths } from "../../lib/paths.ts";
import { stackFileOf } from "../../pulumi/stack-file.ts";
import { createProgress, defaultDockerHost, setup } from "../../setup/index.ts";
import { carryOut, interruptible } from "./carry-out/carry-out.ts";
import { isGoingBack, isUnderWay, type Journal, readJournal } from "./carry-out/journal.ts";
import { undoMigration } from "./carry-out/undo.ts";
import { makePlan, type Planned } from "./plan/make-plan.ts";
import type { Answers, Plan } from "./plan/plan.ts";
import { formatPlan } from "./plan/text.ts";
import { readDeployment } from "./read/read-deployment.ts";

export interface MigrateOptions extends Answers {
  from?: string;
  stack?: string;
  apply?: boolean;
  undo?: boolean;
  yes?: boolean;
  json?: boolean;
}

/** One at a time in this project, whatever their stacks: a second one sees what the first has left. */
export async function migrate(options: MigrateOptions): Promise<void> {
  const report = { line: (text: string) => console.error(text), now: () => undefined };
  await withLock(paths, "migrate", report, () => (options.undo ? undo(options.stack) : planOrApply(options)));
}

async function planOrApply(options: MigrateOptions): Promise<void> {
  const host = process.env.DOCKER_HOST ?? defaultDockerHost;
  const { from } = options;
  const begun = options.stack === undefined ? undefined : readJournal(options.stack);
  if (begun !== undefined && isUnderWay(begun)) return goOn(options, begun);
  if (from === undefined)
    throw new UserError("usage", `Which deployment? ${factoryCommand} migrate --from <directory>`, 2);
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
  if (stack === undefined)
    throw new UserError("usage", `Which stack? ${factoryCommand} migrate --undo --stack <stack>`, 2);
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
      `Nobody to ask here. Nothing was changed: ${factoryCommand} migrate --from ${from} --stack ${stack} --apply --yes`,
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
      `  status      ${factoryCommand} status --stack ${plan.stack}\n  to go back  ${factoryCommand} migrate --undo --stack ${plan.stack}`,
    2,
  );
}

function cutOff(journal: Journal): UserError {
  const { plan, phase } = journal;
  const on = `  to go on    ${factoryCommand} migrate --from ${plan.from} --stack ${plan.stack} --apply\n`;
  return new UserError(
    "migration-cut-off",
    `The migration of ${plan.project} was cut off (at ${phase}). Nothing is lost.\n` +
      `${isGoingBack(journal) ? "" : on}  to go back  ${factoryCommand} migrate --undo --stack ${plan.stack}`,
  );
}
