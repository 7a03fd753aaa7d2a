import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capturePulumi } from "./run.ts";
import type { Workspace } from "./workspace.ts";

/** A resource as the state has it, or as the program wants it. */
export interface ResourceState {
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
  /** Whether the resource itself stays when it leaves the state. */
  retainOnDelete: boolean;
}

/** What a preview would do to one resource. */
export interface Step {
  /** Pulumi's word for it: same, create, update, replace, delete. */
  op: string;
  /** Type without package and module: `Container`. */
  type: string;
  /** Name in the program: `agents`. */
  name: string;
  /** Absent where the resource is new. */
  old?: ResourceState;
  /** Absent where the resource goes. */
  new?: ResourceState;
}

interface EventState {
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  retainOnDelete?: boolean;
}

interface Metadata {
  op: string;
  urn: string;
  type: string;
  old?: EventState | null;
  new?: EventState | null;
}

interface Event {
  resourcePreEvent?: { metadata: Metadata };
  diagnosticEvent?: { severity: string; message: string };
}

/** Reads the event log of a preview: a step for each resource, and the errors it ended with. */
export function readEvents(log: string): { steps: Step[]; errors: string[] } {
  const events = log.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Event]));
  return {
    steps: events.flatMap(({ resourcePreEvent }) => (resourcePreEvent ? stepOf(resourcePreEvent.metadata) : [])),
    errors: events.flatMap(({ diagnosticEvent }) =>
      diagnosticEvent?.severity === "error" ? [diagnosticEvent.message.trim()] : [],
    ),
  };
}

/** The two halves of a replacement are left out: it has a step of its own. */
const halves = ["create-replacement", "delete-replaced"];

function stepOf({ op, urn, type, old, new: wanted }: Metadata): Step[] {
  if (halves.includes(op)) return [];
  const before = op === "create" ? undefined : stateOf(old);
  const after = op === "delete" ? undefined : stateOf(wanted);
  return [
    {
      op,
      type: type.slice(type.lastIndexOf(":") + 1),
      name: urn.slice(urn.lastIndexOf("::") + 2),
      ...(before === undefined ? {} : { old: before }),
      ...(after === undefined ? {} : { new: after }),
    },
  ];
}

function stateOf(state: EventState | null | undefined): ResourceState | undefined {
  if (!state?.inputs) return undefined;
  return { inputs: state.inputs, outputs: state.outputs ?? {}, retainOnDelete: state.retainOnDelete ?? false };
}

/** Steps that let go of a data volume. */
export function lettingGo(steps: Step[]): Step[] {
  return steps.filter(({ type, op }) => type === "Volume" && (op === "replace" || op === "delete"));
}

/** What a preview found. */
export interface PreviewRun {
  steps: Step[];
  /** Why it failed; empty where it did not. */
  errors: string[];
  /** What `pulumi preview --diff` printed, without colours. */
  diff: string;
}

/** Runs a preview, its output captured. */
export async function capturePreview(workspace: Workspace): Promise<PreviewRun> {
  const directory = mkdtempSync(join(tmpdir(), "factory-"));
  try {
    const log = join(directory, "events.jsonl");
    const run = await capturePulumi(workspace, "preview", ["--diff", "--color=never", "--event-log", log]);
    const { steps, errors } = readEvents(existsSync(log) ? readFileSync(log, "utf8") : "");
    const unexplained = run.failed && errors.length === 0 ? [`${run.stdout}\n${run.stderr}`.trim()] : [];
    return { steps, errors: run.failed ? [...errors, ...unexplained] : [], diff: run.stdout };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
