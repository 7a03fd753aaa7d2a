import { execa } from "execa";
import { UserError } from "../../contract/user-error.ts";
import { paths } from "../../lib/paths.ts";

/** How a git command ended, and what it said; no credentials of an address are in it. */
export interface Said {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** Runs git in the project; it never asks for a password. */
export async function gitTry(...args: string[]): Promise<Said> {
  const { exitCode, stdout, stderr } = await execa("git", args, {
    cwd: paths.project,
    env: { GIT_TERMINAL_PROMPT: "0" },
    stdin: "ignore",
    reject: false,
  });
  return { ok: exitCode === 0, stdout, stderr: withoutCredentials(stderr) };
}

/** Runs git in the project, and returns what it prints. @throws UserError with git's own words where it fails */
export async function git(...args: string[]): Promise<string> {
  const { ok, stdout, stderr } = await gitTry(...args);
  if (!ok) throw new UserError("git-failed", `git ${args[0]} failed:\n${stderr}`);
  return stdout;
}

/** Commit that a name stands for; undefined where there is no such name. */
export async function commitOf(name: string): Promise<string | undefined> {
  const { ok, stdout } = await gitTry("rev-parse", "--verify", "--quiet", `${name}^{commit}`);
  return ok ? stdout : undefined;
}

/** What a remote has under a full name (`refs/tags/v0.2.0`, `refs/heads/main`): the commit; undefined where nothing. */
export async function remoteCommit(remote: string, name: string): Promise<string | undefined> {
  const found = new Map(
    (await git("ls-remote", remote, name, `${name}^{}`)).split("\n").map((line) => {
      const [hash = "", ref = ""] = line.split("\t");
      return [ref, hash];
    }),
  );
  // An annotated tag is an object of its own; what it is on has the name with ^{} behind it.
  return found.get(`${name}^{}`) ?? found.get(name);
}

/** Whether one commit is another, or comes before it. */
export async function isAncestor(commit: string, descendant: string): Promise<boolean> {
  return (await gitTry("merge-base", "--is-ancestor", commit, descendant)).ok;
}

/**
 * Address of a remote as people open it in a browser, for a label; undefined where it is a directory.
 * @param url as git has it
 */
export function browsable(url: string): string | undefined {
  const [, host, path] = /^(?:\w[\w.+-]*@)?([\w.-]+):(?!\/\/)(.+)$/.exec(url) ?? [];
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^(https?|ssh|git):$/.test(parsed.protocol)) {
    const port = /^https?:$/.test(parsed.protocol) ? parsed.host : parsed.hostname;
    return `https://${port}${parsed.pathname.replace(/\.git\/?$/, "")}`;
  }
  return host === undefined || path === undefined ? undefined : `https://${host}/${path.replace(/\.git\/?$/, "")}`;
}

function withoutCredentials(text: string): string {
  return text.replaceAll(/:\/\/[^/@\s]+@/g, "://");
}
