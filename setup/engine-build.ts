import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { coerce, gte } from "semver";
import { SetupError } from "../contract/user-error.ts";
import type { Paths } from "../lib/paths.ts";
import type { Report } from "../lib/progress.ts";
import { findOnPath, lastLines, run } from "../lib/run.ts";

/** One entry of engine/build.json: a program, how it is built, and what it is installed as. */
interface Program {
  program: string;
  /** Below engine/, with a go.mod. */
  directory: string;
  /** The Go package, as `go build` takes it. */
  package: string;
  ldflags: string | string[];
  plugin: null | { kind: string; name: string; version: string };
}

/** The recipe in engine/build.json. */
export function readRecipe(paths: Paths): Program[] {
  return JSON.parse(readFileSync(join(paths.engineSources, "build.json"), "utf8"));
}

/** Whether this checkout has sources to build from. */
export function hasSources(paths: Paths): boolean {
  return existsSync(join(paths.engineSources, "build.json"));
}

/** What the programs are built from, as a short hash: every file under engine/ but tests, and the platform. */
export function sourceKey(paths: Paths): string {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}\0`);
  for (const file of filesBelow(paths.engineSources)) {
    const content = readFileSync(file);
    hash.update(`${relative(paths.engineSources, file)}\0${content.length}\0`).update(content);
  }
  return `built-${hash.digest("hex").slice(0, 16)}`;
}

/** The highest `go` line of the modules under engine/, like `1.25.8`. */
export function neededGo(paths: Paths): string {
  const needed = [...new Set(readRecipe(paths).map(({ directory }) => directory))].map((directory) => {
    const mod = readFileSync(join(paths.engineSources, directory, "go.mod"), "utf8");
    return /^go (\S+)/m.exec(mod)?.[1] ?? "1.0";
  });
  return needed.reduce((a, b) => (goAtLeast(a, b) ? a : b));
}

/** Whether a Go version (`go1.26.8`, `1.25`, `go1.27rc1`) is at least another. */
export function goAtLeast(version: string, needed: string): boolean {
  const [a, b] = [coerce(version), coerce(needed)];
  return a !== null && b !== null && gte(a, b);
}

/** The Go on PATH (or where its own installer puts it) if it is new enough, else why not. */
export async function findGo(paths: Paths, env: NodeJS.ProcessEnv): Promise<{ go: string } | { reason: string }> {
  const needed = neededGo(paths);
  const go = findOnPath("go", `${env.PATH ?? ""}:/usr/local/go/bin`);
  if (!go) return { reason: `there is no Go (${needed} or newer) on PATH` };
  const { stdout } = await run(go, ["env", "GOVERSION"], { cwd: paths.program, env, timeout: 10_000 });
  return goAtLeast(stdout, needed)
    ? { go }
    : { reason: `${go} is ${stdout || "unusable"}, needed is ${needed} or newer` };
}

/**
 * Builds what engine/build.json names below `target`, installs the plugins among it, and shows `target` by a rename.
 * What an interrupted run has finished is kept: programs lie in `<target>.partial` until all are there.
 */
export async function buildEngine(
  paths: Paths,
  env: NodeJS.ProcessEnv,
  go: string,
  target: string,
  report: Report,
): Promise<void> {
  const recipe = readRecipe(paths);
  for (const [index, program] of recipe.entries()) {
    const count = `${index + 1} of ${recipe.length}`;
    const directory = directoryOf(`${target}.partial`, program);
    await mkdir(directory, { recursive: true });
    for (const name of readdirSync(directory)) if (name.startsWith(".")) await rm(join(directory, name));
    if (existsSync(join(directory, program.program))) {
      report.line(`${program.program} (${count}) is built already`);
      continue;
    }
    report.line(`building ${program.program} (${count})`);
    await buildProgram(paths, env, go, program, directory, report);
  }
  await rename(`${target}.partial`, target);
  await installPlugins(paths, env, target, report);
}

/** `bin` is put on PATH; a plugin found there is used with a warning, so plugins lie beside it. */
function directoryOf(engine: string, { plugin }: Program): string {
  return join(engine, plugin ? "plugins" : "bin");
}

/** Whether PULUMI_HOME has the plugins of the engine at `target`, and from that very build. */
export function pluginsInstalled(paths: Paths, target: string): boolean {
  return readRecipe(paths).every((program) => !program.plugin || isInstalled(paths, target, program));
}

/** Installs the plugins of the engine at `target` that PULUMI_HOME has not, or has from another build. */
export async function installPlugins(
  paths: Paths,
  env: NodeJS.ProcessEnv,
  target: string,
  report: Report,
): Promise<void> {
  await mkdir(paths.pulumiHome, { recursive: true, mode: 0o700 });
  for (const program of readRecipe(paths)) {
    if (!program.plugin || isInstalled(paths, target, program)) continue;
    const { kind, name, version } = program.plugin;
    report.line(`installing plugin ${name} v${version}`);
    const file = join(directoryOf(target, program), program.program);
    const args = ["plugin", "install", kind, name, `v${version}`, "--file", file, "--reinstall"];
    const outcome = await run(join(target, "bin", "pulumi"), args, {
      cwd: paths.own,
      env: { ...env, PULUMI_HOME: paths.pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    if (!outcome.ok) {
      throw new SetupError("engine-missing", `The plugin ${name} cannot be installed:\n${lastLines(outcome)}`, [
        `PULUMI_HOME=${paths.pulumiHome} ${join(target, "bin", "pulumi")} ${args.join(" ")}`,
      ]);
    }
    await writeFile(stampOf(paths, program.plugin), `${target}\n`);
  }
  // An engine comes into use when its plugins are installed: removeOldEngines goes by that.
  await utimes(target, new Date(), new Date());
}

/** Removes the engines built here before, but `current` and the last one that was in use before it. */
export async function removeOldEngines(paths: Paths, current: string, report: Report): Promise<void> {
  const names = await readdir(paths.engines);
  const others = names.filter((name) => /^built-[0-9a-f]+$/.test(name) && join(paths.engines, name) !== current);
  const lastUse = new Map(
    await Promise.all(others.map(async (name) => [name, (await stat(join(paths.engines, name))).mtimeMs] as const)),
  );
  const [, ...old] = others.sort((a, b) => (lastUse.get(b) ?? 0) - (lastUse.get(a) ?? 0));
  // Half an engine must not look like one: its name goes first.
  const removed = names.filter((name) => name.endsWith(".removed"));
  for (const name of old) {
    report.line(`removing ${name}, an engine of earlier sources`);
    await rm(join(paths.engines, `${name}.removed`), { recursive: true, force: true });
    await rename(join(paths.engines, name), join(paths.engines, `${name}.removed`));
    removed.push(`${name}.removed`);
  }
  for (const name of removed) await rm(join(paths.engines, name), { recursive: true, force: true });
}

async function buildProgram(
  paths: Paths,
  env: NodeJS.ProcessEnv,
  go: string,
  program: Program,
  directory: string,
  report: Report,
): Promise<void> {
  const unfinished = join(directory, `.${program.program}.${process.pid}`);
  const ldflags = [program.ldflags].flat().join(" ");
  const flags = ["-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", ldflags];
  const args = ["build", ...flags, "-o", unfinished, program.package];
  const outcome = await run(go, args, {
    cwd: join(paths.engineSources, program.directory),
    env: { ...env, CGO_ENABLED: "0", GOWORK: "off" },
    onLine: (line) => report.now(line),
  });
  report.now("");
  if (!outcome.ok) {
    await rm(unfinished, { force: true });
    throw new SetupError("engine-missing", `${program.program} does not build:\n${lastLines(outcome)}`, [
      `cd engine/${program.directory} && CGO_ENABLED=0 go build -mod=readonly -o /dev/null ${program.package}`,
      "a module that cannot be downloaded: set GOPROXY to a proxy that has it",
      "or install Pulumi instead: https://www.pulumi.com/docs/install/",
    ]);
  }
  await rename(unfinished, join(directory, program.program));
}

type Plugin = NonNullable<Program["plugin"]>;

const pluginDirectory = (paths: Paths, { kind, name, version }: Plugin) =>
  join(paths.pulumiHome, "plugins", `${kind}-${name}-v${version}`);

// Inside the plugin's directory: whoever installs the plugin anew takes the stamp away with the old one.
const stampOf = (paths: Paths, plugin: Plugin) => join(pluginDirectory(paths, plugin), "installed-from");

function isInstalled(paths: Paths, target: string, program: Program): boolean {
  if (!program.plugin) return false;
  const stamp = stampOf(paths, program.plugin);
  const file = join(pluginDirectory(paths, program.plugin), program.program);
  return existsSync(file) && existsSync(stamp) && readFileSync(stamp, "utf8").trim() === target;
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith("_test.go"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
