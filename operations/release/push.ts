import { execa } from "execa";
import { type ImageName, imageNames, images, labelKeys } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { findVolumeShadows } from "../../contract/volume-shadow.ts";
import { docker, dockerTry } from "../../host/docker.ts";
import type { ImageConfig, Manifest, StoredManifest } from "../../images/manifest.ts";
import type { Repository } from "../../images/registry.ts";
import type { Report } from "../../setup/index.ts";
import type { BuiltImages } from "./build.ts";
import {
  candidate,
  candidatePrefix,
  candidateTag,
  forEachImage,
  isOfRelease,
  openRepository,
  type PublishedImage,
  type Release,
  repositoryName,
} from "./candidate.ts";
import { atRegistry } from "./push-errors.ts";
import { withDockerLogin, withoutSecrets } from "./push-login.ts";
import { signImage } from "./signing.ts";

/** An image in the registry that was read back and found to be what was built. */
export interface Pushed {
  manifest: StoredManifest;
  bytes: number;
  signed: boolean;
}

/**
 * Pushes the images under a tag that nobody runs, reads back what the registry has (digest, VOLUMEs and health check), and signs
 * it. An image that has the version already, from an earlier run, is looked at alone.
 * @throws UserError where it is not what was built
 */
export async function pushImages(
  release: Release,
  built: BuiltImages,
  report: Report,
): Promise<Record<ImageName, Pushed>> {
  return withDockerLogin(release.login, (env) =>
    forEachImage((image) =>
      atRegistry(release.login, async () => {
        const published = await openRepository(release, image).findManifest(release.version);
        const said =
          published === undefined ? await dockerPush(release, candidate(release, image), { env, report }) : "";
        // Opened after the push, which may take longer than a registry is given for its answers.
        const repository = openRepository(release, image);
        const manifest = published ?? (await readBack(release, image, { repository, said, built: built[image] }));
        const bytes = await checkImage(release, image, repository, manifest);
        const signed = await signImage(release, { image, repository, digest: manifest.digest });
        const notes = [...(signed ? ["signed"] : []), ...(published === undefined ? [] : ["published before"])];
        report.line([image, manifest.digest, ...notes].join(" "));
        return { manifest, bytes, signed };
      }),
    ),
  );
}

/** Gives what was pushed and found right the version's name; what has it already stays. */
export async function publish(
  release: Release,
  pushed: Record<ImageName, Pushed>,
): Promise<Record<ImageName, PublishedImage>> {
  return forEachImage((image) =>
    atRegistry(release.login, async () => {
      const repository = openRepository(release, image);
      const { manifest, bytes, signed } = pushed[image];
      const there = await repository.findManifest(release.version);
      if (there === undefined) await repository.putManifest(release.version, manifest);
      const digest = (await repository.findManifest(release.version))?.digest;
      if (digest !== manifest.digest) {
        throw new UserError(
          "registry-mismatch",
          `${image}:${release.version} in the registry is ${digest}, not ${manifest.digest}.`,
        );
      }
      if (!release.published.includes(image)) release.published.push(image);
      return { digest, bytes, signed };
    }),
  );
}

/** Takes the tags that nobody runs off the images on the Docker host, those of releases that were given up too. */
export async function untagCandidates(release: Release): Promise<void> {
  const host = release.workspace.config.dockerHost;
  for (const image of imageNames) {
    const filter = `--filter=reference=${repositoryName(release, image)}:${candidatePrefix}*`;
    const tags = await docker(host, ["images", filter, "--format={{.Repository}}:{{.Tag}}"]);
    if (tags !== "") await dockerTry(host, ["rmi", ...tags.split("\n")]);
  }
}

interface Pushing {
  repository: Repository;
  /** What docker push printed. */
  said: string;
  /** ID of the image on the Docker host. */
  built: string | undefined;
}

/** What the registry has of an image that was pushed. @throws UserError where it is something else */
async function readBack(
  release: Release,
  image: ImageName,
  { repository, said, built }: Pushing,
): Promise<StoredManifest> {
  const reference = candidate(release, image);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1];
  const manifest = await repository.findManifest(candidateTag(release));
  if (digest === undefined || manifest?.digest !== digest) {
    throw new UserError(
      "registry-mismatch",
      `What the registry has is not what was pushed: ${reference} is ${manifest?.digest ?? "not there"}, docker push said ${digest}.`,
    );
  }
  if (!isImage(manifest, built)) {
    const { config } = JSON.parse(manifest.body) as Manifest;
    throw new UserError(
      "registry-mismatch",
      `What the registry has is not what was built: ${reference} (${digest}) has the config ${config?.digest}, the image built here is ${built}.`,
    );
  }
  return manifest;
}

/** Whether a manifest is of an image by its ID: the config's digest, or with containerd's image store the manifest's own. */
export function isImage({ digest, body }: StoredManifest, id: string | undefined): boolean {
  return id !== undefined && [digest, (JSON.parse(body) as Manifest).config?.digest].includes(id);
}

async function dockerPush(
  release: Release,
  reference: string,
  { env, report }: { env: NodeJS.ProcessEnv; report: Report },
): Promise<string> {
  const onLine = function* (line: unknown) {
    report.now(String(line));
    yield line;
  };
  const { exitCode, all } = await execa("docker", ["push", reference], {
    env: { ...withoutSecrets(), ...env, DOCKER_HOST: release.workspace.config.dockerHost },
    extendEnv: false,
    stdin: "ignore",
    all: true,
    stdout: onLine,
    stderr: onLine,
    reject: false,
  });
  report.now("");
  if (exitCode !== 0) {
    const last = String(all).split("\n").slice(-5).join("\n");
    throw new UserError("registry-failed", `docker push ${reference} failed:\n${last}`);
  }
  return String(all);
}

/** Returns the image's size. @throws UserError with all that makes it unfit for a factory */
async function checkImage(
  release: Release,
  image: ImageName,
  repository: Repository,
  { digest, body }: StoredManifest,
): Promise<number> {
  const manifest = JSON.parse(body) as Manifest;
  const { config } = JSON.parse(await repository.readBlob(manifest.config?.digest ?? "")) as { config: ImageConfig };
  const problems = findVolumeShadows(image, Object.keys(config.Volumes ?? {})).map(
    ({ path }) => `declares the VOLUME ${path}, over which a factory mounts nothing`,
  );
  const missing = Object.keys(images[image]).filter((path) => !Object.hasOwn(config.Volumes ?? {}, path));
  problems.push(...missing.map((path) => `lacks the VOLUME ${path}`));
  if (image !== "reproduce" && [undefined, "NONE"].includes(config.Healthcheck?.Test?.[0])) {
    problems.push("has no HEALTHCHECK, so that no upgrade to it can be judged");
  }
  if (!isOfRelease(release, config.Labels)) {
    problems.push(`has other labels ${labelKeys.version} and ${labelKeys.revision} than this release`);
  }
  if (problems.length > 0) {
    throw new UserError("image-unfit", `${image}@${digest} ${problems.join("; ")}. Correct its Dockerfile.`);
  }
  const layers = manifest.layers ?? [];
  return layers.reduce((sum, { size }) => sum + size, manifest.config?.size ?? 0);
}
