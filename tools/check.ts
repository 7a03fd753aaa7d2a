import type { Command } from "commander";
import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { paths } from "../lib/paths.ts";

/** What `check` runs: each an npm program of this project. Unit tests hold the generated docs to the code as well. */
const checks = {
  types: ["tsc", "--project", "."],
  "lint and format": ["biome", "check", "--error-on-warnings"],
  "dead code": ["knip"],
  "unit tests": ["vitest", "run", "--project", "unit"],
} as const;

export function registerCheck(program: Command): void {
  program
    .command("check")
    .description("types, lint, format, dead code, unit tests, stale generated docs: run it before each commit")
    .action(check);
}

async function check(): Promise<void> {
  const failed: string[] = [];
  for (const [name, [tool, ...args]] of Object.entries(checks)) {
    const started = performance.now();
    const { exitCode, all } = await execa(tool, args, {
      cwd: paths.project,
      preferLocal: true,
      all: true,
      reject: false,
    });
    const duration = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${exitCode === 0 ? "ok" : "failed"}  ${name} (${duration} s)`);
    if (exitCode === 0) continue;
    failed.push(name);
    console.log(all);
  }
  if (failed.length > 0)
    throw new UserError("check-failed", `Failed: ${failed.join(", ")}. \`npx biome check --write\` mends format.`);
}
