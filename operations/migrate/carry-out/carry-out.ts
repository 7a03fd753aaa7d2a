import { codeOf, UserError } from "../../../contract/user-error.ts";
import { factoryCommand, pulumiCommand } from "../../../lib/factory-command.ts";
import { formatPlace } from "../place.ts";
import type { Plan } from "../plan/plan.ts";
import { enter, isUntouched, type Journal, writeJournal } from "./journal.ts";
import { oldName } from "./old-containers.ts";
import { applyPlan } from "./steps.ts";
import { undoMigration } from "./undo.ts";

/**
 * Carries a migration out from where it is; a step that fails goes back by itself.
 * @param values of the plan's secrets, by their paths
 */
export async function carryOut(journal: Journal, values: Map<string, string>): Promise<void> {
  writeJournal(journal);
  const { signal, end } = interruptible();
  try {
    await applyPlan(journal, values, signal);
  } catch (error) {
    throw await goBack(journal, signal.aborted ? new UserError("cancelled", "Interrupted.") : error);
  } finally {
    end();
  }
  console.log(done(journal.plan));
}

/** Ctrl-C and the like are for the steps to see, not the end of this process. */
export function interruptible(): { signal: AbortSignal; end: () => void } {
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
  const { message, stack } = error as Error;
  const why = codeOf(error) === "unexpected" ? (stack ?? message) : message;
  const again = `${factoryCommand} migrate --from ${journal.plan.from} --stack ${journal.plan.stack}`;
  if (isUntouched(journal)) {
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
      `${why}\nGoing back failed too: ${(second as Error).message}\nNothing is lost. Once that is mended: ${factoryCommand} migrate --undo --stack ${journal.plan.stack}`,
    );
  }
  return new UserError(codeOf(error), `${why}\nThe old deployment runs again. Once that is mended: ${again} --apply`);
}

function done({ project, stack, old, data, from }: Plan): string {
  const copied = data.flatMap(({ source }) => (source.kind === "copy" ? [source.from] : []));
  const places = [...new Set(copied.map(formatPlace))];
  return [
    `Compose project ${project} is factory stack ${stack} now. Nothing of the old deployment was removed.`,
    `  to go back      ${factoryCommand} migrate --undo --stack ${stack}`,
    `  the password    ${pulumiCommand} config get --stack ${stack} disinto:snapshotPassword (keep a copy elsewhere)`,
    `  do not type     docker compose up in ${from}: it would start the old containers beside the new`,
    "Once all is well, and nobody wants to go back:",
    `  docker rm ${old.map(({ name }) => oldName(name)).join(" ")}`,
    ...(places.length === 0 ? [] : [`  and the places the data was copied from: ${places.join(" ")}`]),
  ].join("\n");
}
