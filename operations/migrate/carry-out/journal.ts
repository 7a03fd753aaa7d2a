import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../../../lib/paths.ts";
import type { Plan } from "../plan/plan.ts";

/** What a migration is at, in this order; each may be done again. */
export type Phase =
  | "configuring"
  | "rehearsing"
  | "stopping"
  | "snapshotting"
  | "copying"
  | "starting"
  | "done"
  /** The factory is taken away, and what it wrote goes back to where compose has it. */
  | "undoing"
  /** The old containers get their names, and start. */
  | "returning"
  | "undone";

/** How far one of the plan's copies is, by its volume. */
export type CopyState =
  /** The volume may have been written to: before, it was empty. */
  | "copying"
  | "copied"
  /** On the way back: the old place's content is kept beside it. */
  | "kept"
  | "back";

/** A migration as it is written down, so that another command finishes or undoes it. Nothing in it is secret. */
export interface Journal {
  /** Label of the volumes it makes. */
  id: string;
  phase: Phase;
  plan: Plan;
  /** By the name of the volume. */
  copies: Record<string, CopyState>;
  /** Whether the factory's containers may have written to what was copied. */
  started: boolean;
  /** When an undo began, as kept tags have it: part of the names of what it keeps. */
  undoBegun?: string;
  /** What the old places held when the data came back to them: by the volume that has it now. */
  kept?: Record<string, string>;
}

function journalFile(stack: string): string {
  return join(paths.migrations, `${stack}.json`);
}

export function readJournal(stack: string): Journal | undefined {
  const file = journalFile(stack);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Journal) : undefined;
}

/** Writes it as a whole, or not at all. */
export function writeJournal(journal: Journal): void {
  const file = journalFile(journal.plan.stack);
  mkdirSync(paths.migrations, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(journal, undefined, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** Notes a step before it is taken. */
export function enter(journal: Journal, phase: Phase): void {
  journal.phase = phase;
  writeJournal(journal);
}

export function noteCopy(journal: Journal, volume: string, state: CopyState): void {
  journal.copies[volume] = state;
  writeJournal(journal);
}

/** Whether it was begun, and not undone. */
export function isUnderWay({ phase }: Journal): boolean {
  return phase !== "undone";
}

export function isGoingBack({ phase }: Journal): boolean {
  return phase === "undoing" || phase === "returning";
}

/** Whether nothing of the old deployment was touched yet. */
export function isUntouched({ phase }: Journal): boolean {
  return phase === "configuring" || phase === "rehearsing";
}
