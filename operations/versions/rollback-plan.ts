import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type ImageName, imageNames } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { formatReference, parseReference } from "../../images/reference.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { capturePreview, type PreviewRun, type Step } from "../../pulumi/events.ts";
import { withKept } from "../../pulumi/kept-secrets.ts";
import { type ImageKeys, readImageKeys, type StackFile, withImageKeys } from "../../pulumi/stack-file.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { describeVersion, type Release } from "./versions.ts";

/** How to go to a release. */
export interface RollbackPlan {
  /** The stack's file as it has to be. */
  file: StackFile;
  /** What `up` would do with it. */
  steps: Step[];
  /** Images that their version alone does not lead to, and that are pinned by digest therefore. */
  pinned: ImageName[];
  /** What the registry said, where it did not give the digests of the versions. */
  registryProblem?: string;
}

/**
 * Finds the image keys that lead to a release: those it was deployed with where they still name its images, else its digests.
 * Every candidate is previewed, none is written.
 * @throws UserError where none leads there
 */
export async function planRollback(workspace: Workspace, release: Release): Promise<RollbackPlan> {
  const keys = release.keys ?? readImageKeys(workspace);
  const first = await previewWith(workspace, keys);
  const elsewhere = imageNames.filter((image) => !leadsTo(release, image, first.run));
  if (first.run.errors.length === 0 && elsewhere.length === 0) {
    return { file: first.file, steps: first.run.steps, pinned: [] };
  }
  const second = await previewWith(workspace, { ...keys, ...pins(release, elsewhere) });
  const lost = imageNames.some((image) => !leadsTo(release, image, second.run));
  if (second.run.errors.length > 0 || lost) throw noWay(release, [...first.run.errors, ...second.run.errors]);
  const [registryProblem] = first.run.errors;
  return {
    file: second.file,
    steps: second.run.steps,
    pinned: elsewhere,
    ...(registryProblem === undefined ? {} : { registryProblem }),
  };
}

async function previewWith(workspace: Workspace, keys: ImageKeys): Promise<{ file: StackFile; run: PreviewRun }> {
  const file = withImageKeys(workspace, keys);
  const directory = mkdtempSync(join(tmpdir(), "factory-"));
  try {
    const configFile = join(directory, basename(file.file));
    writeFileSync(configFile, withKept(file.stack, file.text), { mode: 0o600 });
    return { file, run: await capturePreview({ ...workspace, ...file, configFile }) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Whether a preview would run the release's image. */
function leadsTo({ images }: Release, name: ImageName, { steps }: PreviewRun): boolean {
  const image = images[name];
  const step = steps.find((candidate) => candidate.type === "RemoteImage" && candidate.name === `${name}-image`);
  if (image === undefined) return step?.new === undefined;
  const { tag, digest } = parseReference(String((step?.new ?? step?.old)?.inputs.name ?? "")) ?? {};
  if (image.references.length === 0) return tag === image.version;
  return image.references.some((reference) => reference.digest === digest);
}

/** Image keys with the digests of a release, as far as they are known. */
function pins({ images }: Release, names: ImageName[]): ImageKeys {
  return Object.fromEntries(
    names.flatMap((name) => {
      const [reference] = images[name]?.references ?? [];
      return reference === undefined ? [] : [[`${name}Image`, formatReference(reference)]];
    }),
  );
}

function noWay(release: Release, errors: string[]): UserError {
  const said = [...new Set(errors)].join("\n");
  return new UserError(
    "rollback-impossible",
    `There is no way back to ${describeVersion(release)} now:\n${said}\n` +
      `Nothing was changed. ${factoryCommand} rollback --list shows which versions the Docker host has.`,
  );
}
