import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SetupError } from "../contract/user-error.ts";
import { withLock } from "../lib/lock.ts";
import { makeOwnDirectory, type Paths } from "../lib/paths.ts";
import type { Progress, Report } from "../lib/progress.ts";
import { lastLines, run } from "../lib/run.ts";
import { findGo } from "../setup/engine-build.ts";

const composePackage = "github.com/docker/compose/v2/cmd";
const module = "test/e2e/compose-v2";

/** Docker's compose (v2) for the tests: a directory for DOCKER_CONFIG in which the docker command finds it. */
export function testComposeConfig(paths: Paths): string {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}\0`);
  for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(paths.program, module, file)));
  return join(paths.testTools, `compose-${hash.digest("hex").slice(0, 16)}`);
}

/** Builds Docker's compose for the tests, where it is not built yet: Debian has only the old one. */
export async function setupTestCompose(paths: Paths, env: NodeJS.ProcessEnv, progress: Progress): Promise<void> {
  const target = testComposeConfig(paths);
  if (existsSync(target)) return;
  makeOwnDirectory(paths);
  await progress.step("Build Docker's compose", "the tests migrate deployments of it; two minutes, once", (report) =>
    withLock(paths, "test-compose", report, async () => {
      if (!existsSync(target)) await build(paths, env, target, report);
    }),
  );
}

async function build(paths: Paths, env: NodeJS.ProcessEnv, target: string, report: Report): Promise<void> {
  const found = await findGo(paths, env);
  if (!("go" in found)) {
    throw new SetupError(
      "engine-missing",
      `The tests need Docker's compose, which is built with Go: ${found.reason}.`,
      ["install Go: https://go.dev/doc/install"],
    );
  }
  const directory = join(paths.program, module);
  const version = /docker\/compose\/v2 (\S+)/.exec(readFileSync(join(directory, "go.mod"), "utf8"))?.[1] ?? "";
  await mkdir(paths.testTools, { recursive: true });
  // Of an earlier version, or half built.
  for (const name of readdirSync(paths.testTools)) await rm(join(paths.testTools, name), { recursive: true });
  const file = join(`${target}.partial`, "cli-plugins", "docker-compose");
  const ldflags = `-s -w -X github.com/docker/compose/v2/internal.Version=${version}`;
  const flags = ["-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", ldflags];
  report.line(`building docker compose ${version} with Go`);
  const outcome = await run(found.go, ["build", ...flags, "-o", file, composePackage], {
    cwd: directory,
    env: { ...env, CGO_ENABLED: "0", GOWORK: "off" },
    onLine: (line) => report.now(line),
  });
  report.now("");
  if (!outcome.ok) {
    throw new SetupError("build-failed", `Docker's compose does not build:\n${lastLines(outcome)}`, [
      `cd ${module} && CGO_ENABLED=0 go build -mod=readonly -o /dev/null ${composePackage}`,
      "a module that cannot be downloaded: set GOPROXY to a proxy that has it",
    ]);
  }
  await rename(`${target}.partial`, target);
}
