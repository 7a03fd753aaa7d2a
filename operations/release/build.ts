import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { execa } from "execa";
import { type ImageName, imageNames } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { docker, dockerTry, inspect } from "../../host/docker.ts";
import { buildOf, embeddedSource } from "../../images/build.ts";
import { pulumiCommand } from "../../lib/factory-command.ts";
import { paths } from "../../lib/paths.ts";
import { lastLines, type Report, run } from "../../setup/index.ts";
import { candidate, isOfRelease, ownLabels, type Release, repositoryName, shortCommit } from "./candidate.ts";
import { browsable, git, gitTry } from "./git.ts";
import { withoutSecrets } from "./push-login.ts";

/** An image on the Docker host. */
interface Built {
  Id: string;
  Size: number;
  Config: { Labels: Record<string, string> | null };
}

/** IDs of the images that were built; one that is published already is not. */
export type BuiltImages = Partial<Record<ImageName, string>>;

/**
 * Builds the images of a release from what is committed, and from nothing else that lies around here; those that are built
 * or published already stay.
 */
export async function buildImages(release: Release, report: Report): Promise<BuiltImages> {
  const missing = imageNames.filter((image) => !release.published.includes(image));
  const found = new Map<ImageName, Built>();
  for (const image of missing) {
    const built = await findBuilt(release, image);
    if (built !== undefined) found.set(image, built);
  }
  for (const [image, { Id }] of found)
    report.line(`${image} ${Id.slice(0, 19)} (built already from ${shortCommit(release.commit)})`);
  const rest = missing.filter((image) => !found.has(image));
  const built = rest.length === 0 ? [] : await buildFrom(release, rest, report);
  return Object.fromEntries([...found, ...built].map(([image, { Id }]) => [image, Id]));
}

async function buildFrom(release: Release, wanted: ImageName[], report: Report): Promise<[ImageName, Built][]> {
  const directory = mkdtempSync(join(tmpdir(), "factory-release-"));
  try {
    await extract(release, directory);
    const created = await git("show", "--no-patch", "--format=%cI", release.commit);
    const labels = { ...ownLabels(release), "org.opencontainers.image.created": created, ...(await sourceLabel()) };
    const done: [ImageName, Built][] = [];
    for (const image of wanted) {
      const built = await build(release, image, { directory, labels, report });
      report.line(`${image} ${built.Id.slice(0, 19)} (${Math.ceil(built.Size / 1e6)} MB)`);
      done.push([image, built]);
    }
    return done;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Gives the built images the release's names, on the Docker host alone. */
export async function tagImages(release: Release, built: BuiltImages, report: Report): Promise<void> {
  for (const [image, id] of Object.entries(built)) {
    const name = `${repositoryName(release, image as ImageName)}:${release.version}`;
    await docker(release.workspace.config.dockerHost, ["tag", id, name]);
    report.line(name);
  }
}

/** The image of this release as an earlier run has built it; undefined where none has. */
async function findBuilt(release: Release, image: ImageName): Promise<Built | undefined> {
  const [built] = await inspect<Built>(release.workspace.config.dockerHost, "image", [candidate(release, image)]);
  return built !== undefined && isOfRelease(release, built.Config.Labels) ? built : undefined;
}

async function build(
  release: Release,
  image: ImageName,
  { directory, labels, report }: { directory: string; labels: Record<string, string>; report: Report },
): Promise<Built> {
  const { config } = release.workspace;
  const { context, dockerfile, args, platform } = buildOf(image, relativeBuild(release), release.version);
  const options = [
    "--no-cache",
    "--force-rm",
    `--tag=${candidate(release, image)}`,
    `--file=${join(directory, dockerfile)}`,
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...Object.entries({ ...args, VERSION: release.version }).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
  ];
  const built = await run("docker", ["build", ...options, join(directory, context)], {
    // The old builder leaves the image with the daemon, and takes the base image from it, whatever buildx is set to.
    env: { ...withoutSecrets(), DOCKER_HOST: config.dockerHost, DOCKER_BUILDKIT: "0" },
    onLine: report.now,
  });
  report.now("");
  if (!built.ok) {
    await removeUnfinished(config.dockerHost, built.stdout);
    throw new UserError(
      "build-failed",
      `The image of ${image} cannot be built from ${dockerfile}:\n${lastLines(built)}`,
    );
  }
  const [found] = await inspect<Built>(config.dockerHost, "image", [candidate(release, image)]);
  if (found === undefined)
    throw new UserError("build-failed", `docker build left no image ${candidate(release, image)}.`);
  return found;
}

/** A build that failed leaves what it had come to, which no cache is asked for. */
async function removeUnfinished(host: string, output: string): Promise<void> {
  const [, last] = [...output.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].at(-1) ?? [];
  if (last !== undefined) await dockerTry(host, ["rmi", last]);
}

/** What is built, with a source that is a path in the commit. */
function relativeBuild({ workspace }: Release) {
  const { build } = workspace.config;
  if (build.source === undefined) return build;
  const source = relative(paths.project, resolve(paths.project, build.source));
  if (source.startsWith("..") || source === "") {
    throw new UserError(
      "release-blocked",
      `build.source ${build.source} is not in this repository: a release is built from what is committed here.\n` +
        `To release from here: ${pulumiCommand} config rm --stack ${workspace.stack} --path 'disinto:build.source'`,
      2,
    );
  }
  return { ...build, source };
}

/** The committed files of the build, with the modes a checkout gives them. */
async function extract(release: Release, directory: string): Promise<void> {
  const source = relativeBuild(release).source ?? embeddedSource;
  const archive = ["-c", "tar.umask=0022", "archive", "--format=tar", release.commit, "--", source];
  const { failed, stderr } = await execa("git", archive, { cwd: paths.project, reject: false }).pipe(
    "tar",
    ["-x", "-C", directory],
    { reject: false },
  );
  if (failed) throw new UserError("git-failed", `${source} cannot be taken from commit ${release.commit}:\n${stderr}`);
}

async function sourceLabel(): Promise<Record<string, string>> {
  const { stdout } = await gitTry("remote", "get-url", "origin");
  const source = browsable(stdout);
  return source === undefined ? {} : { "org.opencontainers.image.source": source };
}
