import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ImageName } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { paths } from "../../lib/paths.ts";
import type { Report } from "../../setup/index.ts";
import { type PublishedImage, type Release, repositoryName } from "./candidate.ts";
import { git, gitTry } from "./git.ts";

/** What is written down of a release, in `releases/<version>.json`. */
export interface ReleaseRecord {
  version: string;
  commit: string;
  /** The stack that was brought to it. */
  stack: string;
  images: Record<ImageName, PublishedImage & { reference: string }>;
  /** Who released it, as git knows them. */
  by: string;
  /** When it was done; RFC 3339. */
  time: string;
  /** Seconds that the run took which finished it. */
  seconds: number;
}

/** Where a release's record lies in the project. */
export function recordFile(version: string): string {
  return `releases/${version}.json`;
}

/** The record of a release. */
export async function makeRecord(
  release: Release,
  published: Record<ImageName, PublishedImage>,
  seconds: number,
): Promise<ReleaseRecord> {
  const { version, commit, workspace } = release;
  const images = Object.entries(published).map(([name, image]) => {
    const reference = `${repositoryName(release, name as ImageName)}:${version}@${image.digest}`;
    return [name, { reference, ...image }] as const;
  });
  return {
    version,
    commit,
    stack: workspace.stack,
    images: Object.fromEntries(images) as ReleaseRecord["images"],
    by: (await git("var", "GIT_COMMITTER_IDENT")).replace(/ <.*/, ""),
    time: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    seconds: Math.round(seconds),
  };
}

/** Commits the record and the stack's new version, and pushes both to main; nothing where that was done before. */
export async function commitResult(release: Release, record: ReleaseRecord, report: Report): Promise<void> {
  const { version, workspace } = release;
  const file = recordFile(version);
  const committed = (await gitTry("cat-file", "-e", `HEAD:${file}`)).ok;
  if (!committed) {
    mkdirSync(dirname(join(paths.project, file)), { recursive: true });
    writeFileSync(join(paths.project, file), `${JSON.stringify(record, null, 2)}\n`);
  }
  const own = [file, `Pulumi.${workspace.stack}.yaml`];
  await git("add", "--", ...own);
  if (!(await gitTry("diff", "--cached", "--quiet", "--", ...own)).ok) {
    await git("commit", "--quiet", `--message=Release ${version}`, "--", ...own);
    report.line(`${file} and Pulumi.${workspace.stack}.yaml`);
  }
  for (const remote of ["origin", ...workspace.config.mirrors]) {
    const { ok, stderr } = await gitTry("push", "--quiet", remote, "HEAD:refs/heads/main");
    if (!ok)
      throw new UserError(
        "git-failed",
        `The record is committed here, but not pushed to ${remote}:\n${stderr}\ngit pull --rebase helps where it has newer commits.`,
      );
  }
}
