import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { openStack, runPulumi } from "./engine.ts";
import { type StackOptions, stackOption, yesOption } from "./options.ts";

export function registerUp(program: Command): void {
  program
    .command("up")
    .description("set up what is missing, then bring the factory to what the stack's config says")
    .addOption(stackOption())
    .addOption(yesOption("do not ask before changing anything"))
    .action(up);
}

async function up({ stack, yes }: StackOptions & { yes?: boolean }): Promise<void> {
  const workspace = await openStack(stack);
  const { factoryName, edge } = workspace.config;
  const changes = await withEventLog(async (eventLog) => {
    await runPulumi(workspace, "up", ["--event-log", eventLog, ...(yes ? ["--yes", "--skip-preview"] : [])]);
    return countChanges(readFileSync(eventLog, "utf8"));
  });
  console.log(changes === 0 ? `Factory ${factoryName}: no changes.` : `Factory ${factoryName} is up.`);
  console.log(`  page    http://localhost:${edge.httpPort}/\n  status  ./factory status --stack ${stack}`);
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
