import { UserError } from "../../contract/user-error.ts";
import type { Report } from "../../setup/index.ts";
import type { Release } from "./candidate.ts";
import { commitOf, git, gitTry, isAncestor, remoteCommit } from "./git.ts";

/** Tags the commit, and pushes main and the tag to origin: both, or neither. */
export async function tagMain(release: Release, report: Report): Promise<void> {
  const { version, commit } = release;
  if ((await commitOf(`refs/tags/${version}`)) === undefined) {
    await git("tag", "--annotate", `--message=Release ${version}`, version, commit);
  }
  await pushTag(release, "origin", report);
}

/** Pushes main and the tag to every mirror; those that can be reached get them, whatever becomes of the others. */
export async function pushMirrors(release: Release, report: Report): Promise<void> {
  const { mirrors } = release.workspace.config;
  if (mirrors.length === 0) report.line("there are none (disinto:mirrors)");
  const failures: string[] = [];
  for (const mirror of mirrors) {
    await pushTag(release, mirror, report).catch((error: Error) => failures.push(error.message));
  }
  if (failures.length > 0) throw new UserError("git-failed", failures.join("\n"));
}

async function pushTag({ version }: Release, remote: string, report: Report): Promise<void> {
  const main = await remoteCommit(remote, "refs/heads/main");
  // A main that has more than is here was looked at before: it is origin's own, or a mirror's that is ahead.
  const isAhead = main !== undefined && (await isAncestor("HEAD", main));
  const refs = [...(isAhead ? [] : ["HEAD:refs/heads/main"]), `refs/tags/${version}`];
  const { ok, stderr } = await gitTry("push", "--quiet", "--atomic", remote, ...refs);
  if (!ok) throw new UserError("git-failed", `git push to ${remote} failed:\n${stderr}`);
  report.line(`${remote} has it`);
}
