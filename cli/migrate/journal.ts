import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../paths.ts";
import type { Plan } from "./plan.ts";

/** What a migration is at, in this order; each may be done again. */
export const phases = [
  "configuring",
  "rehearsing",
  "stopping",
  "snapshotting",
  "copying",
  "starting",
  "done",
  /** The factory is taken away, and what it wrote goes back to where compose has it. */
  "undoing",
  /** The old containers get their names, and start. */
  "returning",
  "undone",
] as const;
export type Phase = (typeof phases)[number];

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
