import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { baseImage, baseImageSource } from "../contract/base-image.ts";
import { SetupError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { withLock } from "../lib/lock.ts";
import { unmountBelow } from "../lib/mounts.ts";
import { makeOwnDirectory, type Paths } from "../lib/paths.ts";
import type { Progress, Report } from "../lib/progress.ts";
import { findOnPath, lastLines, type Outcome, type RunOptions, run } from "../lib/run.ts";
import { aptInstall, describePlatform, dockerEnvironment } from "./docker.ts";

export interface BaseImageOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  progress: Progress;
  dockerHost: string;
}

type Docker = (args: string[], options?: RunOptions) => Promise<Outcome>;

const suite = "trixie";
const firstAnswerMs = 20_000;
const pullMs = 600_000;
const debianMirror = "http://deb.debian.org/debian";

/**
 * Makes sure the local image `disinto-base:trixie` exists: Docker Hub's `debian:trixie-slim` under another tag, or, where
 * the hub does not give it, the same made with debootstrap (label `io.disinto.base=debootstrap`).
 */
export async function setupBaseImage(options: BaseImageOptions): Promise<void> {
  const { paths, env, progress, dockerHost } = options;
  const docker: Docker = (args, more) => run("docker", args, { env: dockerEnvironment(dockerHost, env), ...more });
  if (await isPresent(docker)) return progress.ready("base image", baseImage);
  makeOwnDirectory(paths);
  await progress.step("Get the base image", `images built here start from ${baseImage}`, (report) =>
    withLock(paths, "base-image", report, async () => {
      if (await isPresent(docker)) return;
      const refusal = await pull(docker, report);
      if (refusal === undefined) return;
      report.line(refusal);
      await bootstrap(options, docker, refusal, report);
    }),
  );
}

/** A failed `docker pull` as a sentence that tells an unreachable hub from one that refuses. */
export function explainPull(outcome: Pick<Outcome, "stderr" | "timedOut">): string {
  if (outcome.timedOut) return "Docker Hub is out of reach: no answer in time";
  const said =
    outcome.stderr
      .split("\n")
      .at(-1)
      ?.replace(/^Error response from daemon: /, "") ?? "";
  const refused = /toomanyrequests|unauthorized|denied|manifest unknown|not found|forbidden/i.test(said);
  return `Docker Hub ${refused ? `refuses ${baseImageSource}` : "is out of reach"}: ${said}`;
}

async function isPresent(docker: Docker): Promise<boolean> {
  const outcome = await docker(["image", "inspect", "--format", "{{.Id}}", baseImage], { timeout: 30_000 });
  if (outcome.found) return outcome.ok;
  throw new SetupError(
    "docker-unreachable",
    "There is no docker command on PATH; images are pulled and built with it.",
    ["install it: https://docs.docker.com/engine/install/ (Debian and Ubuntu: apt-get install docker.io)"],
  );
}

/** Pulls and tags; answers why not. */
async function pull(docker: Docker, report: Report): Promise<string | undefined> {
  report.line(`pulling ${baseImageSource} from Docker Hub`);
  const limits = { timeout: pullMs, firstLineTimeout: firstAnswerMs, onLine: report.now };
  const outcome = await docker(["pull", baseImageSource], limits);
  report.now("");
  if (!outcome.ok) return explainPull(outcome);
  const tagged = await docker(["tag", baseImageSource, baseImage]);
  return tagged.ok ? undefined : lastLines(tagged);
}

async function bootstrap(options: BaseImageOptions, docker: Docker, refusal: string, report: Report): Promise<void> {
  const { paths, env } = options;
  const { root, debianLike } = describePlatform();
  if (!root || !debianLike) throw noBaseImage(refusal);
  if (!findOnPath("debootstrap", `${env.PATH ?? ""}:/usr/sbin`)) {
    await aptInstall(["debootstrap", "debian-archive-keyring"], env, report);
  }
  report.line(`making Debian ${suite} with debootstrap`);
  const prefix = join(paths.own, "base-image-");
  for (const name of await readdir(paths.own))
    if (name.startsWith("base-image-")) await removeTree(join(paths.own, name));
  const work = await mkdtemp(prefix);
  try {
    const tree = join(work, "root");
    const mirrors = await findMirrors(env);
    const args = ["--variant=minbase", suite, tree, mirrors.main];
    await must("debootstrap", args, {
      env: sbinEnvironment(env),
      onLine: (line) => report.now(line.replace(/^I: /, "")),
    });
    await slim(tree, mirrors);
    await importTree(docker, work, tree, report);
  } finally {
    await removeTree(work);
  }
}

// The official image leaves the same things out; what is installed later follows by dpkg's own configuration.
const unwanted = ["usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/groff"];
const dpkgRules = [...unwanted, "usr/share/doc"]
  .map((path) => `path-exclude /${path}/*\n`)
  .concat("path-include /usr/share/doc/*/copyright\n", "path-include /usr/share/locale/locale.alias\n");
const aptRules = [
  'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };',
  'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";',
  'Acquire::Languages "none";',
];

async function slim(tree: string, mirrors: Mirrors): Promise<void> {
  const emptied = [...unwanted, "var/lib/apt/lists", "var/cache/apt", "var/cache/debconf", "var/log"];
  await must("find", [...emptied.map((path) => join(tree, path)), "!", "-type", "d", "-delete"], { mayFail: true });
  await must("find", [join(tree, "usr/share/doc"), "-type", "f", "!", "-name", "copyright", "-delete"]);
  await Promise.all(["etc/hostname", "etc/resolv.conf"].map((path) => rm(join(tree, path), { force: true })));
  await mkdir(join(tree, "etc/dpkg/dpkg.cfg.d"), { recursive: true });
  await writeFile(join(tree, "etc/dpkg/dpkg.cfg.d/slim"), dpkgRules.join(""));
  await writeFile(join(tree, "etc/apt/apt.conf.d/slim"), `${aptRules.join("\n")}\n`);
  await writeFile(join(tree, "etc/apt/sources.list"), sourcesList(mirrors));
}

async function importTree(docker: Docker, work: string, tree: string, report: Report): Promise<void> {
  report.now("importing");
  const archive = join(work, "root.tar");
  await must("tar", ["-C", tree, "--one-file-system", "--numeric-owner", "-cf", archive, "."]);
  const changes = ["LABEL io.disinto.base=debootstrap", 'CMD ["bash"]'].flatMap((line) => ["--change", line]);
  const outcome = await docker(["import", ...changes, archive, baseImage]);
  if (!outcome.ok)
    throw new SetupError("base-image-missing", `docker import fails:\n${lastLines(outcome)}`, [
      `${factoryCommand} setup`,
    ]);
}

// debootstrap mounts /proc, /sys and sometimes /dev below its tree, and leaves them there when it is killed.
async function removeTree(work: string): Promise<void> {
  await unmountBelow(work);
  await run("rm", ["-rf", "--one-file-system", work]);
}

interface Mirrors {
  main: string;
  /** Nothing where the host has none either. */
  security?: string;
}

/** The mirrors this host itself uses when it is a Debian, else Debian's public ones. */
async function findMirrors(env: NodeJS.ProcessEnv): Promise<Mirrors> {
  const format = ["--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages", "Origin: Debian"];
  const { stdout } = await run("apt-get", ["indextargets", ...format], { env });
  return parseMirrors(stdout);
}

/** Mirrors from lines of `<label> <uri>`, as `apt-get indextargets` gives them for Debian. */
export function parseMirrors(lines: string): Mirrors {
  const uriOf = (label: string) => new RegExp(`^${label} (https?://\\S+?)/?$`, "m").exec(lines)?.[1];
  const main = uriOf("Debian");
  return main
    ? { main, security: uriOf("Debian-Security") }
    : { main: debianMirror, security: `${debianMirror}-security` };
}

/** The image's sources.list. */
export function sourcesList({ main, security }: Mirrors): string {
  const lines = [`deb ${main} ${suite} main`, `deb ${main} ${suite}-updates main`];
  if (security) lines.push(`deb ${security} ${suite}-security main`);
  return `${lines.join("\n")}\n`;
}

const sbinEnvironment = (env: NodeJS.ProcessEnv) => ({ ...env, PATH: `${env.PATH ?? ""}:/usr/sbin:/sbin` });

async function must(program: string, args: string[], options: RunOptions & { mayFail?: boolean } = {}): Promise<void> {
  const outcome = await run(program, args, options);
  if (outcome.ok || options.mayFail) return;
  throw new SetupError("base-image-missing", `${program} fails:\n${lastLines(outcome)}`, [
    `${program} ${args.join(" ")}`,
  ]);
}

function noBaseImage(refusal: string): SetupError {
  return new SetupError(
    "base-image-missing",
    `${refusal}. Without Docker Hub the base image is made with debootstrap, for which this must be root on Debian or Ubuntu.`,
    [
      `docker pull ${baseImageSource} && docker tag ${baseImageSource} ${baseImage}`,
      `or, on any Debian: sudo debootstrap --variant=minbase ${suite} root && sudo tar -C root -c . | docker import - ${baseImage}`,
      "or deploy released images: set release, then nothing is built here",
    ],
  );
}
