import type { z } from "zod";
import { nearest } from "../lib/nearest.ts";
import { fieldAt, pathText } from "./fields.ts";
import type { Problem } from "./problem.ts";
import { isSecretKey } from "./secrets.ts";

/** What the schema found wrong, with what is allowed and the command that mends it. */
export function explain(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey([...issue.path, key]));
  if (issue.code === "invalid_key") return [wrongName(issue.path)];
  // An element without keys of its own, of a list or a map, is explained by the list or the map.
  let path = issue.path;
  while (path.length > 0 && fieldAt(path) === undefined) path = path.slice(0, -1);
  const field = fieldAt(path);
  const name = pathText(path);
  const received = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const allowed = field?.docs?.allowed ?? `keys below it: ${field?.keys.join(", ")}`;
  return [
    {
      path: name,
      message: received === undefined ? "is missing" : `${shown(name, received)} is not allowed`,
      allowed,
      ...(field?.docs?.example ? { fix: setCommand(path, field.docs.example) } : {}),
    },
  ];
}

function wrongName(path: PropertyKey[]): Problem {
  return {
    path: path.join("."),
    message: `${JSON.stringify(path.at(-1))} is not a name that can be given`,
    allowed: fieldAt(path.slice(0, -1))?.docs?.allowed ?? "letters, digits and _",
    fix: `pulumi config rm --path 'disinto:${path.join(".")}'`,
  };
}

function unknownKey(path: PropertyKey[]): Problem {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const meant = nearest(key, fieldAt(parent)?.keys ?? []);
  const runner = path.length === 1 && /^runner/i.test(key);
  return {
    path: pathText(path),
    message: runner ? "unknown key: the runner runs the agents' image, always; set agentsImage" : "unknown key",
    ...(meant === undefined || runner ? {} : { didYouMean: pathText([...parent, meant]) }),
    fix: `pulumi config rm --path 'disinto:${pathText(path)}'`,
  };
}

function shown(name: string, value: unknown): string {
  if (isSecretKey(name.split(".")[0] ?? "")) return "its value";
  if (typeof value !== "string" || !value.includes("\n")) return withoutPassword(JSON.stringify(value));
  const first = value.trim().split("\n")[0] ?? "";
  if (first.includes("PRIVATE KEY")) return "a private key (it is in the stack's file now: make another pair)";
  return `${JSON.stringify(first)} and what follows it`;
}

/** Addresses without the user and the password in front of the host. */
function withoutPassword(text: string): string {
  return text.replaceAll(/:\/\/[^"\s]*@/g, "://...@");
}

export function setCommand(path: readonly PropertyKey[], example: string): string {
  const name = `disinto:${pathText(path)}`;
  if (example.startsWith("[") || example.startsWith("{")) return `write ${name.slice(8)}: ${example} in the stack file`;
  return path.length === 1 ? `pulumi config set ${name} ${example}` : `pulumi config set --path '${name}' ${example}`;
}

/** Commands name the stack, so that they can be typed as they stand. */
export function onStack(problem: Problem, stack: string): Problem {
  if (problem.fix === undefined || !problem.fix.includes("pulumi config")) return problem;
  return { ...problem, fix: problem.fix.replaceAll(/pulumi config (set|rm)/g, `pulumi config --stack ${stack} $1`) };
}
