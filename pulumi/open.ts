import { writeFileSync } from "node:fs";
import { createProgress, defaultDockerHost, type Environment, setup } from "../setup/index.ts";
import { copyStackFile, prepareStack } from "./stack-copy.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";
import type { Workspace } from "./workspace.ts";

/** Sets up the engine and its state alone: enough for pulumi commands that touch no container. */
export function openEngine(): Promise<Environment> {
  return setup({
    dockerHost: defaultDockerHost,
    needsDocker: false,
    needsBaseImage: false,
    progress: createProgress(),
  });
}

export interface OpenOptions {
  /** Say also what was there already. @default false */
  showReady?: boolean;
  /** Images are built, whatever the stack runs. @default false */
  builds?: boolean;
}

/** Reads the stack's file, sets up what is missing for it, and creates the stack where it does not exist yet. */
export async function openStack(
  stack: string,
  { showReady = false, builds = false }: OpenOptions = {},
): Promise<Workspace> {
  const file = readStackFile(stack);
  const { images, build, snapshots } = file.config;
  const needsSnapshotImage = snapshots !== undefined;
  const sources = builds ? [build] : Object.values(images);
  const needsBaseImage = needsSnapshotImage || sources.some((image) => image.kind === "build" && !image.source);
  const env = await setup({
    stack,
    dockerHost: file.config.dockerHost,
    needsDocker: true,
    needsBaseImage,
    needsSnapshotImage,
    progress: createProgress({ showReady }),
  });
  const workspace = { ...file, env };
  await prepareStack(workspace);
  return workspace;
}

/** The same stack with another content of its file, which is written. */
export function saveStackFile(workspace: Workspace, changed: StackFile): Workspace {
  writeFileSync(changed.file, changed.text);
  const saved = { ...workspace, ...changed };
  copyStackFile(saved);
  return saved;
}
