import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { paths } from "../lib/paths.ts";
import { type Environment, findGo, readRecipe } from "../setup/index.ts";
import { openTestEnvironment } from "./test-environment.ts";
import {
  beginByVariable,
  progressVariable,
  readProgress,
  skippedFiles,
  slowest,
  type TestProgress,
  unfinished,
} from "./test-progress.ts";

/** Minutes after the start of this command in which vitest has to end: a machine of somebody's may end it without a word later. */
const patience = 80;

/** Minutes after which no end-to-end file begins any more: it is skipped, and named. No fast machine comes to that. */
const beginWithin = 52;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export function registerTest(program: Command): void {
  program
    .command("test")
    .description("set up what tests need, then run all of them, the end-to-end tests on the real daemon too")
    .action(test);
}

async function test(): Promise<void> {
  const env = await openTestEnvironment();
  const counts = [await vitest(env), ...(await goTests(env))];
  const total = counts.reduce((sum, { passed, failed, skipped }) => ({
    passed: sum.passed + passed,
    failed: sum.failed + failed,
    skipped: sum.skipped + skipped,
  }));
  console.log(summary(total));
  if (total.failed > 0 || total.passed === 0) throw new UserError("check-failed", "");
}

/** The line that closes a run, alone on its line. */
export function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

async function vitest(env: Environment): Promise<Counts> {
  const directory = mkdtempSync(join(tmpdir(), "factory-test-"));
  const report = join(directory, "report.json");
  const progress = join(directory, "progress.jsonl");
  const beginBy = String(Math.round(Date.now() - process.uptime() * 1000 + beginWithin * 60_000));
  const reporters = ["verbose", "json", join(import.meta.dirname, "test-progress.ts")];
  try {
    const { exitCode, timedOut } = await execa(
      "vitest",
      ["run", ...reporters.map((reporter) => `--reporter=${reporter}`), `--outputFile.json=${report}`],
      {
        cwd: paths.project,
        preferLocal: true,
        // Pulumi's programs live for seconds: they collect less garbage than they would.
        env: { GOGC: process.env.GOGC ?? "400", ...env, [progressVariable]: progress, [beginByVariable]: beginBy },
        stdio: ["ignore", "inherit", "inherit"],
        reject: false,
        timeout: Math.max(1, Math.round(patience * 60_000 - process.uptime() * 1000)),
        forceKillAfterDelay: 10_000,
      },
    );
    const told = readProgress(progress);
    console.log(slowest(told));
    if (timedOut) {
      console.log(
        `The tests were ended after ${patience} minutes; what had not ended counts as failed:\n${unfinished(told)}`,
      );
      return countCutOff(told);
    }
    if (!existsSync(report)) return broken;
    const text = readFileSync(report, "utf8");
    const skipped = skippedFiles(text);
    if (skipped.length > 0) console.log(`Skipped, as ${beginWithin} minutes were over: ${skipped.join(", ")}`);
    return countVitest(text, exitCode);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A run that came to no count has failed. */
const broken: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Counts of vitest's JSON report; a run that ended badly without a failed test counts as one. */
export function countVitest(report: string, exitCode: number | undefined): Counts {
  const { numTotalTests, numPassedTests, numFailedTests } = JSON.parse(report);
  return {
    passed: numPassedTests,
    failed: exitCode === 0 ? numFailedTests : Math.max(1, numFailedTests),
    skipped: numTotalTests - numPassedTests - numFailedTests,
  };
}

/** Counts of a run that was ended: each test that had not ended has failed, and so has a file without any. */
export function countCutOff({ states, open, waiting }: TestProgress): Counts {
  const unended = Object.values(open).reduce((sum, tests) => sum + Math.max(1, tests.length), waiting.length);
  const { passed = 0, failed = 0, skipped = 0 } = states;
  return { passed, failed: failed + unended, skipped };
}

/** Tests of what engine/ builds; where there is no Go, nothing of it was built here either. */
async function goTests(env: Environment): Promise<Counts[]> {
  const found = await findGo(paths, { ...process.env, ...env });
  const modules = readRecipe(paths).map(({ directory }) => directory);
  if (!("go" in found)) {
    console.log(`The tests of engine/ are skipped: ${found.reason}.`);
    return [{ passed: 0, failed: 0, skipped: modules.length }];
  }
  const counts: Counts[] = [];
  for (const module of modules) counts.push(await goTest(found.go, module));
  return counts;
}

async function goTest(go: string, module: string): Promise<Counts> {
  console.log(`go test in engine/${module}`);
  // -trimpath as in the build: what was compiled there is not compiled again.
  const { exitCode, stdout, stderr } = await execa(go, ["test", "-trimpath", "-mod=readonly", "-json", "./..."], {
    cwd: join(paths.engineSources, module),
    env: { CGO_ENABLED: "0" },
    stdin: "ignore",
    reject: false,
  });
  const counts = countGo(stdout, exitCode);
  if (counts.failed > 0) console.log(`${goOutput(stdout)}\n${stderr}`);
  console.log(`  ${counts.passed + counts.failed + counts.skipped} tests, ${counts.failed} of them failed`);
  return counts;
}

interface GoEvent {
  Action: string;
  Test?: string;
  Output?: string;
}

function goEvents(stdout: string): GoEvent[] {
  return stdout.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as GoEvent] : []));
}

/** Counts of `go test -json`; a package that does not even build counts as one failed test. */
export function countGo(stdout: string, exitCode: number | undefined): Counts {
  const ended = (action: string) => goEvents(stdout).filter(({ Action, Test }) => Action === action && Test).length;
  const failed = ended("fail");
  return {
    passed: ended("pass"),
    failed: exitCode === 0 ? failed : Math.max(1, failed),
    skipped: ended("skip"),
  };
}

function goOutput(stdout: string): string {
  return goEvents(stdout)
    .map(({ Output }) => Output ?? "")
    .join("");
}
