import { type Paths, paths as projectPaths } from "../lib/paths.ts";
import type { Progress } from "../lib/progress.ts";
import { setupBaseImage } from "./base-image.ts";
import { setupDocker } from "./docker.ts";
import { engineEnvironment, setupEngine } from "./engine.ts";
import { setupProject } from "./project.ts";
import { setupSnapshotImage } from "./snapshot-image.ts";
import { setupState } from "./state.ts";

export { createProgress, type Progress, type Report } from "../lib/progress.ts";
export { lastLines, run } from "../lib/run.ts";
export { defaultDockerHost } from "./docker.ts";
export { findGo, readRecipe } from "./engine-build.ts";
export { snapshotImage } from "./snapshot-image.ts";
export { localUrl } from "./state.ts";

/** The variables that make a plain `pulumi` work: in a child process, or in a shell by `eval`. */
export type Environment = Record<string, string>;

export interface SetupOptions {
  /** Where the stack deploys to, like `unix:///var/run/docker.sock`. */
  dockerHost: string;
  /** Whether images are built here. */
  needsBaseImage: boolean;
  /** Whether data volumes are snapshotted. @default false */
  needsSnapshotImage?: boolean;
  /** Whether a daemon has to answer; without one, only engine and state are set up. */
  needsDocker: boolean;
  progress: Progress;
  /** The stack's name, for messages. @default "<stack>" */
  stack?: string;
  /** @default the project's */
  paths?: Paths;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
}

/** Does what is missing - engine, Docker, base image, project, state - and returns the environment. Throws `SetupError`. */
export async function setup(options: SetupOptions): Promise<Environment> {
  const { dockerHost, progress, stack, paths = projectPaths, env = process.env } = options;
  const common = { paths, env, progress };
  const engine = await setupEngine(common);
  if (options.needsDocker) await setupDocker({ ...common, dockerHost, stack });
  if (options.needsDocker && options.needsBaseImage) await setupBaseImage({ ...common, dockerHost });
  if (options.needsDocker && options.needsSnapshotImage) await setupSnapshotImage({ ...common, dockerHost });
  setupProject(paths);
  const state = await setupState(common);
  return { ...engineEnvironment(engine, paths, env), ...state };
}
