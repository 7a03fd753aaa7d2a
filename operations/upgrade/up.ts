import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeIn } from "../../contract/error-codes.ts";
import { codeOf, UserError } from "../../contract/user-error.ts";
import { namesIn, readRunning } from "../../host/factory-containers.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { followProgress } from "../../pulumi/follow-progress.ts";
import { releaseStaleLock } from "../../pulumi/lock.ts";
import { historyMessage, runPulumi, unasked } from "../../pulumi/run.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { pruneReleases } from "../versions/prune.ts";
import { returnAfter } from "./auto-rollback.ts";
import { refreshOptions } from "./drift.ts";
import { finishCutOff, nameWasTaken, refuseTakenNames, removeLeftovers } from "./leftovers.ts";
import { findStopped, startStopped } from "./stopped-services.ts";

/**
 * Brings the factory to what the stack's config says, and says what came of it. An update that fails after it has replaced
 * containers is undone.
 * @param what the verb, for the history
 * @param ask show a preview, and ask before changing anything
 */
export async function apply(workspace: Workspace, what: string, { ask }: { ask: boolean }): Promise<void> {
  const { stack } = workspace;
  const { factoryName, dockerHost, keepReleases, edge } = workspace.config;
  const names = namesIn(workspace.config);
  if (await releaseStaleLock(workspace)) await startStopped(names);
  const state = await finishCutOff(workspace, what, { ask });
  await refuseTakenNames(workspace, state);
  const refresh = await refreshOptions(workspace, state);
  const before = await readRunning(names);
  const changes = await withEventLog(async (eventLog) => {
    const up = (...options: string[]) =>
      runPulumi(workspace, "up", ["--event-log", eventLog, ...historyMessage(what), ...options]);
    const finish = process.stdout.isTTY ? () => undefined : followProgress(eventLog, (line) => console.log(line));
    try {
      await up(...refresh, ...(ask ? [] : unasked)).catch(async (error) => {
        if (!nameWasTaken(eventLog) || !(await removeLeftovers(workspace, { ask }))) throw error;
        await up(...unasked);
      });
    } catch (error) {
      // Somebody else is at work: what they do is not to be undone.
      await releaseStaleLock(workspace);
      throw await returnAfter(workspace, before, named(error, eventLog));
    } finally {
      finish();
    }
    return countChanges(readFileSync(eventLog, "utf8"));
  });
  for (const line of await pruneReleases(factoryName, dockerHost, keepReleases)) console.log(line);
  console.log(changes === 0 ? `Factory ${factoryName}: no changes.` : `Factory ${factoryName} is up.`);
  console.log(`  page    http://localhost:${edge.httpPort}/\n  status  ${factoryCommand} status --stack ${stack}`);
  // Somebody may want it so, for a while.
  for (const name of await findStopped(names)) console.log(`  ${name} is stopped; to start it: docker start ${name}`);
}

/** The error that pulumi has only passed on, under its own code. */
function named(error: unknown, eventLog: string): unknown {
  const code = existsSync(eventLog) ? codeIn(readFileSync(eventLog, "utf8")) : undefined;
  return code !== undefined && codeOf(error) === "pulumi-failed"
    ? new UserError(code, (error as Error).message)
    : error;
}

async function withEventLog<T>(work: (file: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "factory-"));
  try {
    return await work(join(directory, "events.jsonl"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Resources that the last operation of an event log created, changed or deleted. */
export function countChanges(eventLog: string): number {
  const changes = eventLog
    .split("\n")
    .filter((line) => line.includes('"summaryEvent"'))
    .map((line) => JSON.parse(line).summaryEvent.resourceChanges as Record<string, number>)
    .at(-1);
  if (changes === undefined) throw new Error("pulumi's event log has no summary");
  return Object.entries(changes).reduce((sum, [kind, count]) => (kind === "same" ? sum : sum + count), 0);
}
