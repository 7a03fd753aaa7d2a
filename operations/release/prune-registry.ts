import confirm from "@inquirer/confirm";
import { type ImageName, imageNames } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import type { Manifest } from "../../images/manifest.ts";
import { RegistryError, type Repository } from "../../images/registry.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { trustCertificateFile } from "../../lib/machine.ts";
import { readHistory } from "../../pulumi/history.ts";
import { openStack } from "../../pulumi/open.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { readReleases } from "../versions/deployments.ts";
import { openRepository, repositoryName } from "./candidate.ts";
import { atRegistry } from "./push-errors.ts";
import { type PushLogin, readPushLogin, tokenVariable } from "./push-login.ts";
import { planRetention, type RetentionPlan, type Tagged } from "./retention.ts";

export interface PruneOptions {
  stack: string;
  /** Versions that stay besides those in use. */
  keep: number;
  yes?: boolean;
  json?: boolean;
}

export async function pruneRegistry({ stack, keep, yes, json }: PruneOptions): Promise<void> {
  trustCertificateFile();
  const workspace = await openStack(stack);
  const login = readPushLogin(workspace.config.registry);
  if (login === undefined) {
    const { server } = workspace.config.registry;
    throw new UserError(
      "token-missing",
      `${tokenVariable(server)} is not set: a token that may delete packages of ${server}.`,
      2,
    );
  }
  const plans = await planAll(workspace, login, keep);
  const count = plans.reduce((sum, [, { doomed }]) => sum + doomed.length, 0);
  if (json) console.log(JSON.stringify(Object.fromEntries(plans), null, 2));
  else console.log(plans.map(([image, plan]) => formatPlan(repositoryName({ workspace }, image), plan)).join("\n"));
  if (count === 0) return;
  if (!yes && !(await confirmed(stack))) throw new UserError("cancelled", "Nothing was deleted.");
  for (const [image, { doomed }] of plans) {
    const repository = openRepository({ workspace, login }, image);
    for (const { digest } of doomed) await remove(repository, login, digest);
  }
  if (!json) console.log(`Deleted: ${count} manifests.`);
}

async function planAll(workspace: Workspace, login: PushLogin, keep: number): Promise<[ImageName, RetentionPlan][]> {
  const inUse = await readInUse(workspace);
  const plans: [ImageName, RetentionPlan][] = [];
  for (const image of imageNames) {
    const tags = await atRegistry(login, () => readTags(openRepository({ workspace, login }, image)));
    plans.push([image, planRetention(tags, { versions: keep, inUse: inUse[image] })]);
  }
  return plans;
}

/** Digests and versions of every release that the stack's factory runs, or can go back to. */
async function readInUse(workspace: Workspace): Promise<Record<ImageName, Set<string>>> {
  const releases = await readReleases(workspace, await readHistory(workspace));
  const namesOf = (image: ImageName) =>
    releases.flatMap(({ images }) => {
      const { version, references = [] } = images[image] ?? {};
      const digests = references.flatMap(({ digest }) => (digest === undefined ? [] : [digest]));
      // Where the host knows the digest, the version alone may have been moved since.
      return digests.length > 0 || version === undefined ? digests : [version];
    });
  return {
    agents: new Set(namesOf("agents")),
    reproduce: new Set(namesOf("reproduce")),
    edge: new Set(namesOf("edge")),
  };
}

async function readTags(repository: Repository): Promise<Tagged[]> {
  const found: Tagged[] = [];
  for (const tag of await repository.listTags()) {
    const manifest = await repository.findManifest(tag);
    if (manifest === undefined) continue;
    const { manifests = [] } = JSON.parse(manifest.body) as Manifest;
    found.push({ tag, digest: manifest.digest, parts: manifests.map(({ digest }) => digest) });
  }
  return found;
}

async function remove(repository: Repository, login: PushLogin, digest: string): Promise<void> {
  try {
    await repository.deleteManifest(digest);
  } catch (error) {
    if (error instanceof RegistryError && [404, 405].includes(error.status)) {
      throw new UserError(
        "registry-failed",
        `The registry ${login.server} deletes nothing this way (${error.status}): delete the digests above on its page.`,
      );
    }
    await atRegistry(login, () => Promise.reject(error));
  }
}

function formatPlan(name: string, { doomed, versions }: RetentionPlan): string {
  return [
    `${name}: ${doomed.length === 0 ? "nothing to delete" : "to be deleted"}; stays: ${versions.join(", ") || "no version"}`,
    ...doomed.map(({ digest, tags }) => `  ${digest}  ${tags.join(", ")}`),
  ].join("\n");
}

function confirmed(stack: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "nobody-to-ask",
      `Nobody to ask here. Nothing was deleted: ${factoryCommand} prune-registry --stack ${stack} --yes deletes what is listed`,
      2,
    );
  }
  return confirm({ message: "Delete these from the registry?", default: false });
}
