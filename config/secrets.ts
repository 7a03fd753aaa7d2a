import { fieldAt } from "./fields.ts";
import type { Problem } from "./problem.ts";
import type { RawConfig } from "./raw.ts";
import { secretKeys } from "./schema.ts";

/** Whether a key of the config holds a secret, or several. */
export function isSecretKey(key: string): boolean {
  return (secretKeys as readonly string[]).includes(key);
}

/** Secrets in plain text, and plain values that are secrets. */
export function secretProblems({ values, secrets }: RawConfig): Problem[] {
  return Object.entries(values).flatMap(([key, text]): Problem[] => {
    if (isSecretKey(key)) {
      return leavesOf(key, text)
        .filter((path) => !secrets.has(key) && !secrets.has(path))
        .map((path) => ({ path, message: "is stored in plain text", allowed: "a secret", fix: secretFix(path) }));
    }
    if (fieldAt([key]) === undefined) return [];
    return [...secrets]
      .filter((path) => path === key || path.startsWith(`${key}.`))
      .map((path) => ({
        path,
        message: "is set with --secret, and would show in labels and names",
        allowed: "a plain value",
        fix: plainFix(path),
      }));
  });
}

/** Paths of the values in a key: of a structured one those below it. */
function leavesOf(key: string, text: string): string[] {
  if (!fieldAt([key])?.isMap) return [key];
  const below = (path: string, value: unknown): string[] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([name, inner]) => below(`${path}.${name}`, inner))
      : [path];
  try {
    return below(key, JSON.parse(text));
  } catch {
    return [key];
  }
}

function secretFix(path: string): string {
  if (path === "snapshotPassword")
    return "choose another password, then pulumi config set --secret disinto:snapshotPassword";
  if (path.includes(".")) return `make a new one, then pulumi config set --secret --path 'disinto:${path}'`;
  if (fieldAt([path])?.isMap) return `pulumi config rm disinto:${path}`;
  return `revoke this token on the forge, make a new one, then pulumi config set --secret disinto:${path}`;
}

function plainFix(path: string): string {
  const [, agent, variable] = /^agents\.(?:hired\.([^.]+)\.)?environment\.([^.]+)$/.exec(path) ?? [];
  if (variable !== undefined) {
    const secret = agent === undefined ? `agentSecrets.${variable}` : `hiredSecrets.${agent}.${variable}`;
    return `pulumi config rm --path 'disinto:${path}', then pulumi config set --secret --path 'disinto:${secret}'`;
  }
  return `pulumi config rm ${path.includes(".") ? `--path 'disinto:${path}'` : `disinto:${path}`}, then set it without --secret`;
}
