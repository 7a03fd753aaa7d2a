import { type RunnerTask, type RunnerTestFile, TestRunner } from "vitest";
import { beginByVariable } from "../../tools/test-progress.ts";

/** Vitest's runner, which skips files that begin too late: a run that is ended from outside would tell nothing at all. */
export default class BeginInTime extends TestRunner {
  onCollected(files: RunnerTestFile[] = []): void {
    const beginBy = process.env[beginByVariable];
    if (beginBy !== undefined && Date.now() > Number(beginBy)) for (const file of files) skip(file);
  }
}

function skip(task: RunnerTask): void {
  task.mode = "skip";
  if ("tasks" in task) for (const child of task.tasks) skip(child);
}
