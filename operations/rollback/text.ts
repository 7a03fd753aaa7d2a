import Table from "cli-table3";
import { imageOf } from "../../contract/names.ts";
import { pulumiCommand } from "../../lib/factory-command.ts";
import { tableStyle } from "../../lib/table.ts";
import { imageKeys, readImageKeys, type StackFile } from "../../pulumi/stack-file.ts";
import { type Change, readComponents, readRestarts } from "../preview/components.ts";
import type { RollbackPlan } from "../versions/rollback-plan.ts";
import { describeVersion, type Release } from "../versions/versions.ts";

/** A release, and whether it is the one that runs. */
export interface Destination {
  release: Release;
  running: boolean;
}

/** What a rollback would do. */
export function formatPlan(present: StackFile, release: Release, plan: RollbackPlan, pending: string[]): string {
  const { stack, config } = present;
  const table = new Table({ head: ["component", "version", "digest", "image"], style: tableStyle() });
  for (const { component, version, digest } of readComponents(plan.steps)) {
    const local = release.images[imageOf(component)]?.id !== undefined;
    table.push([component, arrow(version), arrow(digest), local ? "on the host" : "to be pulled"]);
  }
  const [before, after] = [readImageKeys(present), readImageKeys(plan.file)];
  const changed = imageKeys.filter((key) => before[key] !== after[key]);
  return [
    `Factory ${config.factoryName} goes back to ${describeVersion(release)}, healthy on ${release.time}:`,
    table.toString(),
    ...readRestarts(plan.steps).filter((line) => line !== ""),
    "Data volumes: untouched.",
    `Pulumi.${stack}.yaml${changed.length === 0 ? ": stays as it is" : ""}`,
    ...changed.map((key) => `  disinto:${key}: ${arrow({ before: before[key], after: after[key] })}`),
    ...(pending.length === 0 ? [] : [`Changed in it since the last up, and applied as well: ${pending.join(", ")}`]),
    ...pinnedLines(stack, plan),
  ].join("\n");
}

function pinnedLines(stack: string, { pinned, registryProblem }: RollbackPlan): string[] {
  if (pinned.length === 0) return [];
  if (registryProblem === undefined)
    return [`The tag of ${pinned.join(", ")} has moved in the registry: pinned by digest.`];
  const keys = pinned.map((image) => `${pulumiCommand} config rm --stack ${stack} disinto:${image}Image`);
  return [
    "Pinned by digest, as the registry does not give the digests of the versions:",
    ...registryProblem.split("\n").map((line) => `  ${line}`),
    "Once it does, the version is enough again:",
    ...keys.map((key) => `  ${key}`),
  ];
}

function arrow({ before, after }: Change): string {
  return before === after ? (after ?? "-") : `${before ?? "not set"} -> ${after ?? "not set"}`;
}

/** The versions a stack can go to. */
export function formatList({ config, stack }: StackFile, destinations: Destination[]): string {
  if (destinations.length === 0) {
    return `No release of factory ${config.factoryName} from a registry was healthy yet. Images that are built here go back with git.`;
  }
  const table = new Table({ head: ["version", "healthy on", "agents' digest", "images", ""], style: tableStyle() });
  for (const { release, running } of destinations) {
    const where = isLocal(release) ? "on the host" : "to be pulled";
    table.push([describeVersion(release), release.time, shortDigest(release), where, running ? "runs now" : ""]);
  }
  return `Versions stack ${stack} can go to:\n${table}`;
}

function isLocal({ images }: Release): boolean {
  return Object.values(images).every(({ id }) => id !== undefined);
}

function shortDigest({ images }: Release): string {
  return images.agents?.references[0]?.digest?.replace("sha256:", "").slice(0, 12) ?? "-";
}

/** A destination as scripts read it; digests are null where only the version is known. */
export function toJson({ release, running }: Destination) {
  const images = Object.entries(release.images).map(([name, { version, id, references }]) => [
    name,
    { version, digest: references[0]?.digest ?? null, local: id !== undefined },
  ]);
  return { version: describeVersion(release), time: release.time, running, images: Object.fromEntries(images) };
}
