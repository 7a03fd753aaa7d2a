import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { execa } from "execa";
import { openTestEnvironment } from "./engine.ts";
import { UserError } from "./error.ts";
import { paths } from "./paths.ts";
import { type Environment, findGo, readRecipe } from "./setup/index.ts";

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
  try {
    const { exitCode } = await execa(
      "vitest",
      ["run", "--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`],
      { cwd: paths.project, preferLocal: true, env, stdio: ["ignore", "inherit", "inherit"], reject: false },
    );
    return existsSync(report) ? countVitest(readFileSync(report, "utf8"), exitCode) : broken;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A run that came to no count has failed. */
const broken: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Counts of vitest's JSON report; a run that ended badly without a failed test counts as one. */
export function countVitest(report: string, exitCode: number | undefined): Counts {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(report);
  return {
    passed: numPassedTests,
    failed: exitCode === 0 ? numFailedTests : Math.max(1, numFailedTests),
    skipped: numPendingTests + numTodoTests,
  };
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
