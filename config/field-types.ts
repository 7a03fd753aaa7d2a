import { z } from "zod";
import { durationPattern, seconds } from "./units.ts";

/** What the docs and the errors say of one key. */
export interface KeyDocs {
  description: string;
  allowed: string;
  example: string;
  /** Said in the docs where the schema has no default of its own. */
  unset?: string;
}

/** A name that a shell takes for a variable's. */
export const variableName = /^[A-Za-z_]\w*$/;

const imageKeyAllowed =
  "a version (v0.1.1) or a full reference (ghcr.io/disinto/agents:v0.1.1, with or without @sha256:...)";

/** Kinds of values that keys of the config have, each with what is said of it in the docs and the errors. */
export function keyDocs(docs: KeyDocs): KeyDocs & Record<string, unknown> {
  return { ...docs };
}

export function pattern(regex: RegExp, docs: KeyDocs) {
  return z.string().regex(regex).meta(keyDocs(docs));
}

export function duration(byDefault: string, description: string) {
  const docs = { description, allowed: "a whole number and a unit, s, m or h", example: byDefault };
  return pattern(durationPattern, docs).transform(seconds).prefault(byDefault);
}

export function whole(least: number, most: number, byDefault: number, description: string) {
  const docs = { description, allowed: `a whole number from ${least} to ${most}`, example: String(byDefault) };
  return z.int().min(least).max(most).meta(keyDocs(docs)).prefault(byDefault);
}

export function yesOrNo(byDefault: boolean, description: string) {
  return z
    .boolean()
    .meta(keyDocs({ description, allowed: "true or false", example: String(byDefault) }))
    .prefault(byDefault);
}

/** Numbers and words like `true` are what `pulumi config set --path` makes of a text. */
export function variables(description: string, example: string) {
  return z
    .record(z.string().regex(variableName), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .meta(keyDocs({ description, allowed: "names and values, both text", example }))
    .prefault({});
}

export function secrets(description: string) {
  return z
    .record(z.string().regex(variableName), z.string().min(1))
    .meta(keyDocs({ description, allowed: "names and values, each set with --secret --path", example: "" }));
}

export function hook(when: string, example: string) {
  return pattern(/^[^\r\n]+$/, {
    description: `Shell command that is run in the project's directory ${when}. FACTORY_AGENTS_FROM and FACTORY_AGENTS_TO in its environment are the agents' versions, and so for the other images.`,
    allowed: "one line",
    example,
    unset: "none",
  }).optional();
}

export function imageKey(description: string, unset: string, allowed = imageKeyAllowed) {
  return z
    .string()
    .meta(keyDocs({ description, allowed, example: "v0.1.1", unset }))
    .optional();
}

export function hostPath(description: string, example: string) {
  return pattern(/^\/[^:]*[^:/]$/, {
    description,
    allowed: "an absolute path",
    example,
    unset: "not mounted",
  }).optional();
}
