import { codeOf, UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import type { Progress, Report } from "../../setup/index.ts";

/** One of the eight steps of a release; done before, it finds that and does nothing. */
export interface Step {
  name: string;
  /** What it is for, on one line. */
  what: string;
  /** What a failure of it leaves. */
  left: () => string;
  /** A step without a report shows by itself what it does. */
  run: (report: Report) => Promise<void>;
  /** @default "shown" */
  display?: "own";
}

/** How the steps went, up to the one that failed. */
export interface Ran {
  steps: { step: string; result: "done" | "failed" | "planned"; seconds: number }[];
  error?: UserError;
}

export interface RunOptions {
  version: string;
  stack: string;
  progress: Progress;
  /** Do the first step alone. */
  dryRun: boolean;
}

/** Does one step after the other, until one fails. */
export async function runSteps(steps: Step[], { version, stack, progress, dryRun }: RunOptions): Promise<Ran> {
  const ran: Ran = { steps: [] };
  for (const [index, { name, what, left, run, display }] of steps.entries()) {
    if (dryRun && index > 0) {
      ran.steps.push({ step: name, result: "planned", seconds: 0 });
      continue;
    }
    const title = `${index + 1}/${steps.length} ${name}`;
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 100) / 10;
    try {
      if (display === "own") {
        console.error(`${title} (${what})`);
        await run(silent);
      } else {
        await progress.step(title, what, run);
      }
      ran.steps.push({ step: name, result: "done", seconds: seconds() });
    } catch (error) {
      if (!(error instanceof UserError || isOfSystem(error))) throw error;
      ran.steps.push({ step: name, result: "failed", seconds: seconds() });
      ran.error = new UserError(
        codeOf(error),
        `Step ${index + 1} of ${steps.length}, ${name}, failed. ${error.message}\n${left()}\n` +
          `Go on once that is mended: ${factoryCommand} release ${version} --stack ${stack}`,
      );
      break;
    }
  }
  return ran;
}

/** A full disk, a file nobody may write: no mistake of this program. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

const silent: Report = { line: () => undefined, now: () => undefined };
