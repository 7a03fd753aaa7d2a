import { ConfigError } from "../../config/problem.ts";
import type { HistoryEntry } from "../../pulumi/config-changes.ts";
import { type ImageKeys, imageKeys, withImageKeys } from "../../pulumi/stack-file.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { type Deployment, joinReleases, type Release, readKeptReleases } from "./versions.ts";

/** All releases a stack's factory can go to, the newest first. */
export async function readReleases(workspace: Workspace, history: HistoryEntry[]): Promise<Release[]> {
  const { factoryName, dockerHost } = workspace.config;
  return joinReleases(await readKeptReleases(factoryName, dockerHost), deploymentsOf(workspace, history));
}

/** The updates that succeeded, and whose config still means something. */
function deploymentsOf(workspace: Workspace, history: HistoryEntry[]): Deployment[] {
  const succeeded = history.filter(({ kind, result }) => kind === "update" && result === "succeeded");
  return succeeded.flatMap(({ endTime, config }) => {
    const entries = imageKeys.map((key) => [key, config[`disinto:${key}`]?.value] as const);
    const keys: ImageKeys = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    try {
      return [{ time: endTime.replace(/\.\d+Z$/, "Z"), keys, images: withImageKeys(workspace, keys).config.images }];
    } catch (error) {
      if (error instanceof ConfigError) return [];
      throw error;
    }
  });
}
