import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { Reporter, TestCase, TestModule, TestSpecification } from "vitest/node";

/** Names the file that {@link ProgressReporter} writes. */
export const progressVariable = "FACTORY_TEST_PROGRESS";

/** Names the time, in milliseconds of `Date.now()`, after which no end-to-end file begins. */
export const beginByVariable = "FACTORY_TEST_BEGIN_BY";

/** What vitest tells while it runs, a line each: a run that is killed writes no report. */
type Line =
  | { kind: "planned"; files: string[] }
  | { kind: "started"; file: string; tests: string[] }
  | { kind: "tested"; file: string; test: string; state: string }
  | { kind: "ended"; file: string; seconds: number };

/**
 * Vitest's reporter that writes them.
 * @public Vitest loads it by its file.
 */
export default class ProgressReporter implements Reporter {
  private readonly started = new Map<string, number>();

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    write({ kind: "planned", files: specifications.map(({ moduleId }) => relative(process.cwd(), moduleId)) });
  }

  onTestModuleQueued({ relativeModuleId: file }: TestModule): void {
    this.started.set(file, performance.now());
  }

  onTestModuleCollected({ relativeModuleId: file, children }: TestModule): void {
    write({ kind: "started", file, tests: [...children.allTests()].map(({ fullName }) => fullName) });
  }

  onTestCaseResult(test: TestCase): void {
    const { module, fullName } = test;
    write({ kind: "tested", file: module.relativeModuleId, test: fullName, state: test.result().state });
  }

  onTestModuleEnd({ relativeModuleId: file }: TestModule): void {
    const seconds = (performance.now() - (this.started.get(file) ?? Number.NaN)) / 1000;
    write({ kind: "ended", file, seconds });
  }
}

function write(line: Line): void {
  const file = process.env[progressVariable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** How far a run of vitest has come. */
export interface TestProgress {
  /** Tests by how they ended. */
  states: Record<string, number>;
  /** Seconds that each file took. */
  seconds: Record<string, number>;
  /** Files that have begun and not ended, and the tests in them that have not. */
  open: Record<string, string[]>;
  /** Files that have not begun. */
  waiting: string[];
}

export function readProgress(file: string): TestProgress {
  const progress: TestProgress = { states: {}, seconds: {}, open: {}, waiting: [] };
  for (const text of existsSync(file) ? readFileSync(file, "utf8").split("\n") : []) {
    if (text.endsWith("}")) follow(progress, JSON.parse(text) as Line);
  }
  return progress;
}

function follow(progress: TestProgress, line: Line): void {
  const { states, seconds, open } = progress;
  switch (line.kind) {
    case "planned":
      progress.waiting = line.files;
      return;
    case "started":
      open[line.file] = line.tests;
      progress.waiting = progress.waiting.filter((file) => file !== line.file);
      return;
    case "tested":
      states[line.state] = (states[line.state] ?? 0) + 1;
      open[line.file] = (open[line.file] ?? []).filter((test) => test !== line.test);
      return;
    case "ended":
      seconds[line.file] = line.seconds;
      delete open[line.file];
  }
}

/** The files that took longest, the longest first. */
export function slowest({ seconds }: TestProgress, most = 15): string {
  const ranked = Object.entries(seconds).sort(([, a], [, b]) => b - a);
  const lines = ranked.slice(0, most).map(([file, time]) => `${time.toFixed(0).padStart(6)} s  ${file}`);
  return ["Files that took longest:", ...lines].join("\n");
}

/** What was running when the time was up, and what had not begun. */
export function unfinished({ open, waiting }: TestProgress): string {
  const running = Object.entries(open).map(([file, [test = "its hooks"]]) => `  running    ${file} > ${test}`);
  return [...running, ...waiting.map((file) => `  not begun  ${file}`)].join("\n");
}

/** Files of vitest's JSON report of which not one test was run. */
export function skippedFiles(report: string): string[] {
  const { testResults } = JSON.parse(report) as {
    testResults: { name: string; assertionResults: { status: string }[] }[];
  };
  const wasSkipped = ({ status }: { status: string }) => status === "skipped" || status === "pending";
  return testResults
    .filter(({ assertionResults: all }) => all.length > 0 && all.every(wasSkipped))
    .map(({ name }) => relative(process.cwd(), resolve(name)));
}
