import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { gte, parse } from "semver";
import { SetupError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { withLock } from "../lib/lock.ts";
import { makeOwnDirectory, type Paths } from "../lib/paths.ts";
import type { Progress, Report } from "../lib/progress.ts";
import { findOnPath, run } from "../lib/run.ts";
import {
  buildEngine,
  findGo,
  hasSources,
  installPlugins,
  neededGo,
  pluginsInstalled,
  removeOldEngines,
  sourceKey,
} from "./engine-build.ts";
import { installVendorEngine, type VendorEngineOptions } from "./engine-vendor.ts";

/** The release that is downloaded or built, and the oldest one on PATH that is used. */
const engineVersion = "3.259.0";

/** Pulumi's programs: the user's own, the vendor's release kept in `.factory/`, or built here. */
export interface Engine {
  kind: "installed" | "vendor" | "built";
  /** The directory with `pulumi` in it. */
  bin: string;
  /** Without a leading v. */
  version: string;
}

export interface EngineOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  progress: Progress;
  /** Where and how to download; for tests. */
  vendor?: Pick<VendorEngineOptions, "origins" | "connectTimeout">;
}

/**
 * Finds or makes an engine: on PATH, in `.factory/`, from the vendor, from engine/ with Go - the first that works.
 * Throws `SetupError` when none does, and when a download is not what its release says.
 */
export async function setupEngine(options: EngineOptions): Promise<Engine> {
  const { paths, env, progress } = options;
  const onPath = await findInstalled(paths, env);
  if (onPath && isNewEnough(onPath.version)) {
    progress.ready("engine", `pulumi v${onPath.version} in ${onPath.bin}`);
    return onPath;
  }
  const kept = findKept(paths);
  if (kept) {
    progress.ready("engine", `pulumi v${kept.version}, ${kept.kind === "vendor" ? "the vendor's" : "built here"}`);
    return kept;
  }
  makeOwnDirectory(paths);
  return progress.step("Get Pulumi's programs", whyGet(onPath), (report) =>
    withLock(paths, "engine", report, async () => findKept(paths) ?? (await getEngine(options, report))),
  );
}

/** The variables an engine needs to be used by a plain `pulumi`; `env` is what they are added to. */
export function engineEnvironment(engine: Engine, paths: Paths, env: NodeJS.ProcessEnv): Record<string, string> {
  const node = dirname(process.execPath);
  const first = engine.kind === "installed" ? [node] : [engine.bin, node];
  const rest = (env.PATH ?? "").split(delimiter).filter((directory) => !first.includes(directory));
  const variables = {
    PATH: [...first, ...rest].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  if (engine.kind !== "built") return variables;
  return {
    ...variables,
    PULUMI_HOME: paths.pulumiHome,
    PULUMI_CREDENTIALS_PATH: credentialsDirectory(paths, env),
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** The directory of the user's own credentials.json, whether or not it exists. */
export function credentialsDirectory(paths: Paths, env: NodeJS.ProcessEnv): string {
  if (env.PULUMI_CREDENTIALS_PATH) return env.PULUMI_CREDENTIALS_PATH;
  if (env.PULUMI_HOME && env.PULUMI_HOME !== paths.pulumiHome) return env.PULUMI_HOME;
  return join(env.HOME || homedir(), ".pulumi");
}

/** The version in what `pulumi version` prints (`v3.259.0`), without the v. */
export function parseVersion(text: string): string | undefined {
  return parse(text.trim())?.version;
}

/** Whether a version found on PATH can be used. */
export function isNewEnough(version: string): boolean {
  return gte(version, engineVersion);
}

async function findInstalled(paths: Paths, env: NodeJS.ProcessEnv): Promise<Engine | undefined> {
  const pulumi = findOnPath("pulumi", env.PATH, (directory) => directory.startsWith(paths.engines));
  if (!pulumi) return undefined;
  const outcome = await run(pulumi, ["version"], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeout: 10_000,
  });
  const version = parseVersion(outcome.stdout);
  return version ? { kind: "installed", bin: dirname(pulumi), version } : undefined;
}

function findKept(paths: Paths): Engine | undefined {
  const vendor = join(paths.engines, `v${engineVersion}`);
  if (existsSync(vendor)) return { kind: "vendor", bin: join(vendor, "bin"), version: engineVersion };
  if (!existsSync(paths.engines) || !hasSources(paths)) return undefined;
  const target = join(paths.engines, sourceKey(paths));
  return existsSync(target) && pluginsInstalled(paths, target) ? built(target) : undefined;
}

async function getEngine({ paths, env, vendor }: EngineOptions, report: Report): Promise<Engine> {
  const target = hasSources(paths) ? join(paths.engines, sourceKey(paths)) : undefined;
  if (target && existsSync(target)) {
    await installPlugins(paths, env, target, report);
    return built(target);
  }
  const release = join(paths.engines, `v${engineVersion}`);
  const download = await installVendorEngine({ version: engineVersion, target: release, report, ...vendor });
  if (download.kind === "installed") return { kind: "vendor", bin: join(release, "bin"), version: engineVersion };
  report.line(`the vendor's release is out of reach (${download.reason})`);
  if (!target) throw noEngine(download.reason, "engine/ is missing", "");
  const found = await findGo(paths, env);
  if ("reason" in found) throw noEngine(download.reason, found.reason, ` ${neededGo(paths)} or newer`);
  report.line("building from engine/ with Go: minutes the first time");
  await buildEngine(paths, env, found.go, target, report);
  await removeOldEngines(paths, target, report);
  return built(target);
}

const built = (target: string): Engine => ({ kind: "built", bin: join(target, "bin"), version: engineVersion });

function whyGet(onPath: Engine | undefined): string {
  if (!onPath) return `no pulumi on PATH; v${engineVersion} is needed`;
  return `pulumi v${onPath.version} on PATH is older than v${engineVersion}`;
}

function noEngine(vendor: string, go: string, goVersion: string): SetupError {
  return new SetupError(
    "engine-missing",
    `There is no Pulumi v${engineVersion} or newer on PATH, its release is out of reach (${vendor}), and it cannot be built (${go}).`,
    [
      "install Pulumi: https://www.pulumi.com/docs/install/",
      "or let this machine reach get.pulumi.com or github.com (HTTPS_PROXY and NODE_EXTRA_CA_CERTS count)",
      `or install Go${goVersion}: https://go.dev/dl/`,
      `then: ${factoryCommand} setup`,
    ],
  );
}
