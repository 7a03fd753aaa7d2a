import semver from "semver";
import { type ImageName, imageNames } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import type { ImageConfig, Manifest } from "../../images/manifest.ts";
import type { Repository } from "../../images/registry.ts";
import { pulumiCommand } from "../../lib/factory-command.ts";
import { imageKeys, readImageKeys, withImageKeys } from "../../pulumi/stack-file.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import type { Report } from "../../setup/index.ts";
import { isOfRelease, openRepository, type Release, shortCommit } from "./candidate.ts";
import { commitOf, git, gitTry, isAncestor, remoteCommit } from "./git.ts";
import { atRegistry, expiryWarning } from "./push-errors.ts";
import { readPushLogin, tokenVariable } from "./push-login.ts";
import { recordFile } from "./record.ts";
import { keyProblems, readReleaseKey } from "./signing.ts";

/**
 * Looks at everything a release needs, and changes nothing.
 * @throws UserError with all that is in its way
 */
export async function checkRelease(version: string, workspace: Workspace, report: Report): Promise<Release> {
  const login = readPushLogin(workspace.config.registry);
  const found = await readGit(version, workspace);
  const key = readReleaseKey();
  const problems = [...found.problems, ...stackProblems(workspace), ...keyProblems(workspace, key)];
  if (login === undefined) problems.push(noToken(workspace));
  if (login === undefined || found.commit === undefined) throw inTheWay(version, problems);
  const signing = key === undefined ? {} : { key };
  const release: Release = { version, commit: found.commit, workspace, login, ...signing, published: [] };
  problems.push(...(await registryProblems(release, report)));
  if (problems.length > 0) throw inTheWay(version, problems);
  return release;
}

function inTheWay(version: string, problems: string[]): UserError {
  return new UserError(
    "release-blocked",
    `${version} cannot be released:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
  );
}

/** The commit a release is made of: the one that has its tag, where it was begun before; else what is checked out. */
async function readGit(version: string, workspace: Workspace): Promise<{ commit?: string; problems: string[] }> {
  const remotes = (await git("remote")).split("\n");
  const missing = ["origin", ...workspace.config.mirrors].filter((name) => !remotes.includes(name));
  if (missing.length > 0) {
    return { problems: missing.map((name) => `git has no remote ${name}: git remote add ${name} <address>`) };
  }
  const main = await remoteCommit("origin", "refs/heads/main");
  const tagged = await remoteCommit("origin", `refs/tags/${version}`);
  const local = await commitOf(`refs/tags/${version}`);
  const wanted = [...(main === undefined ? [] : ["main"]), ...(tagged === undefined ? [] : [`refs/tags/${version}`])];
  if (wanted.length > 0) await git("fetch", "--quiet", "--no-tags", "origin", ...wanted);
  const commit = local ?? tagged ?? (await git("rev-parse", "HEAD"));
  const problems = [
    ...(await treeProblems(version, workspace)),
    ...(main === undefined || (await isAncestor(main, "HEAD"))
      ? []
      : ["origin has other commits on main than are here: git pull --rebase"]),
    ...(await tagProblems(version, { commit, tagged, main })),
    ...(await changelogProblems(version, commit)),
  ];
  return { commit, problems };
}

async function treeProblems(version: string, workspace: Workspace): Promise<string[]> {
  const problems: string[] = [];
  const branch = (await gitTry("symbolic-ref", "--quiet", "--short", "HEAD")).stdout;
  if (branch !== "main")
    problems.push(`this is ${branch === "" ? "no branch" : `branch ${branch}`}, not main: git switch main`);
  if (!(await gitTry("var", "GIT_COMMITTER_IDENT")).ok) {
    problems.push("git does not know who commits: git config user.name, and git config user.email");
  }
  const changed = (await git("status", "--porcelain", "--untracked-files=all"))
    .split("\n")
    .filter((line) => line !== "");
  const foreign: string[] = [];
  for (const file of changed.map((line) => line.slice(3))) {
    if (!(await isOwn(file, version, workspace))) foreign.push(file);
  }
  if (foreign.length > 0) {
    problems.push(`what is here is not committed: ${foreign.slice(0, 5).join(", ")}: git commit, or git stash`);
  }
  return problems;
}

/** Files that a release itself writes, and may have left uncommitted. */
async function isOwn(file: string, version: string, workspace: Workspace): Promise<boolean> {
  if (file !== `Pulumi.${workspace.stack}.yaml`) return file === recordFile(version);
  const { ok, stdout } = await gitTry("show", `HEAD:${file}`);
  if (!ok) return false;
  const text = `${stdout}\n`;
  const keys = { ...readImageKeys({ ...workspace, text }), release: version };
  return withImageKeys({ ...workspace, text }, keys).text === workspace.text;
}

interface Tagged {
  commit: string;
  /** The commit on which origin has the tag. */
  tagged: string | undefined;
  /** Where origin's main is. */
  main: string | undefined;
}

async function tagProblems(version: string, { commit, tagged, main }: Tagged): Promise<string[]> {
  const taken = (what: string) => [`${version} is taken: ${what}: choose a newer version`];
  if (main !== undefined && (await gitTry("cat-file", "-e", `${main}:${recordFile(version)}`)).ok) {
    return taken(`origin's main has ${recordFile(version)}, so it was released`);
  }
  if (tagged !== undefined && tagged !== commit) {
    return taken(`origin has that tag on commit ${shortCommit(tagged)}, this clone on ${shortCommit(commit)}`);
  }
  if (!(await isAncestor(commit, "HEAD")))
    return taken(`that tag is on commit ${shortCommit(commit)}, which is not in main`);
  const tags = `${await git("ls-remote", "--tags", "--refs", "origin")}\n${await git("tag", "--list")}`;
  const others = [...tags.matchAll(/(?:^|refs\/tags\/)([^\s/]+)$/gm)].map(([, tag = ""]) => tag);
  return notNewer(version, others, "git has");
}

/** @param where what has the versions, as a sentence begins with it */
function notNewer(version: string, others: string[], where: string): string[] {
  const [last] = semver.rsort(others.filter((tag) => tag !== version && semver.valid(tag) !== null));
  if (last === undefined || semver.gt(version, last)) return [];
  return [`${version} is not newer than the last version: ${where} ${last}`];
}

async function changelogProblems(version: string, commit: string): Promise<string[]> {
  const { ok, stdout } = await gitTry("show", `${commit}:CHANGELOG.md`);
  if (ok && changelogEntry(stdout, version) !== undefined) return [];
  return [`CHANGELOG.md has no entry for it: a heading "## ${version}", what has changed below it, and git commit`];
}

/** What a changelog says of a version, below its heading (`## v0.2.0`, `## [0.2.0] - 2026-11-24`); undefined where nothing. */
export function changelogEntry(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((section) => /^\[?v?([^\s\]]+)/.exec(section)?.[1] === version.slice(1));
  const text = found?.split("\n").slice(1).join("\n").trim();
  return text === "" ? undefined : text;
}

/** A key of its own would win over the release. */
function stackProblems(workspace: Workspace): string[] {
  const keys = readImageKeys(workspace);
  const own = imageKeys.filter((key) => key !== "release" && keys[key] !== undefined);
  return own.map(
    (key) =>
      `${key} in Pulumi.${workspace.stack}.yaml would keep that image on ${keys[key]}: ` +
      `${pulumiCommand} config rm --stack ${workspace.stack} disinto:${key}, and git commit`,
  );
}

function noToken({ config }: Workspace): string {
  const { server } = config.registry;
  return `${tokenVariable(server)} is not set: a token that may write packages to ${server} (docs/registry-credentials.md)`;
}

/** Notes in the release, too, which images the registry has of it. */
async function registryProblems(release: Release, report: Report): Promise<string[]> {
  const problems = new Set<string>();
  for (const image of imageNames) {
    const repository = openRepository(release, image);
    try {
      for (const problem of await atRegistry(release.login, () => imageProblems(release, image, repository, report))) {
        problems.add(problem);
      }
    } catch (error) {
      // The same for all three, most of the time.
      problems.add((error as Error).message.replaceAll("\n", " "));
    }
  }
  return [...problems];
}

async function imageProblems(
  release: Release,
  image: ImageName,
  repository: Repository,
  report: Report,
): Promise<string[]> {
  const { version, workspace, login } = release;
  const { headers } = await repository.requirePush();
  const warning = expiryWarning(headers, login.variable);
  if (warning !== undefined && image === imageNames[0]) report.line(warning);
  const where = `${workspace.config.registry.server} has ${image}`;
  const labels = await labelsOf(repository, version);
  if (labels !== undefined && !isOfRelease(release, labels)) {
    return [`${version} is taken: ${where}:${version} of another commit: choose a newer version`];
  }
  if (labels !== undefined) release.published.push(image);
  const tags = await repository.listTags();
  return notNewer(version, tags, where);
}

/** Labels of the image a registry has under a tag; undefined where it has none. */
async function labelsOf(repository: Repository, tag: string): Promise<Record<string, string> | undefined> {
  const manifest = await repository.findManifest(tag);
  if (manifest === undefined) return undefined;
  const { config } = JSON.parse(manifest.body) as Manifest;
  if (config === undefined) return {};
  const blob = JSON.parse(await repository.readBlob(config.digest)) as { config?: ImageConfig };
  return blob.config?.Labels ?? {};
}
