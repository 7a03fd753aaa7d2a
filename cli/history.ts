import Table from "cli-table3";
import type { Command } from "commander";
import { factoryCommand } from "../lib/factory-command.ts";
import { tableStyle } from "../lib/table.ts";
import { compareConfig, type Deployed, type HistoryEntry } from "../pulumi/config-changes.ts";
import { readHistory } from "../pulumi/history.ts";
import { openStack } from "../pulumi/open.ts";
import { jsonOption, type StackOptions, stackOption } from "./options.ts";

/** What somebody did to a stack. */
export interface Event {
  /** RFC 3339. */
  time: string;
  /** Who ran it, or the author of the commit it ran from; null where Pulumi does not say. */
  who: string | null;
  /** `up`, `rollback to v0.1.1`, or Pulumi's word for it: `update`, `destroy`, `refresh`. */
  what: string;
  result: string;
  /** Config keys that are others than at the last update that succeeded; secrets masked. */
  changes: { key: string; before: string | null; after: string | null }[];
}

export function registerHistory(program: Command): void {
  program
    .command("history")
    .description("show who changed what to which version when, from Pulumi's own history")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action(async ({ stack, json }: StackOptions & { json?: boolean }) => {
      const events = readEvents(await readHistory(await openStack(stack)));
      console.log(json ? JSON.stringify(events, null, 2) : formatEvents(events));
    });
}

/** What the first deployment is compared with. */
const nothing: Deployed = { kind: "update", result: "succeeded", config: {} };

/** What happened to a stack, from Pulumi's history of it, the newest first. */
export function readEvents(history: HistoryEntry[]): Event[] {
  return history.map((entry, index) => {
    const [, what, operator] = /^(.+) by (\S+@\S+)$/.exec(entry.message) ?? [];
    const compared = compareConfig(entry.config, [...history.slice(index + 1), nothing]);
    const changes = compared.kind === "compared" ? compared.changes : [];
    return {
      time: entry.startTime,
      who: operator ?? entry.environment["git.author"] ?? null,
      what: what ?? entry.kind,
      result: entry.result,
      changes: changes.map(({ key, before, after }) => ({ key, before: before ?? null, after: after ?? null })),
    };
  });
}

function formatEvents(events: Event[]): string {
  if (events.length === 0) return `Nothing was deployed yet: ${factoryCommand} up`;
  const table = new Table({ head: ["when", "who", "what", "result", "config"], style: tableStyle() });
  for (const { time, who, what, result, changes } of events) {
    const lines = changes.map(({ key, before, after }) => `${key}: ${before ?? "not set"} -> ${after ?? "not set"}`);
    table.push([time.replace(/\.\d+Z$/, "Z"), who ?? "-", what, result, lines.join("\n")]);
  }
  return table.toString();
}
