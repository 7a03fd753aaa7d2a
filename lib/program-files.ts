import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";

/** Whether this is the package, in JavaScript; in a checkout Node runs the TypeScript. */
export const isPackage = import.meta.filename.endsWith(".js");

/** The package's name, below `node_modules`. */
const packageName = "disinto";

/** Where the program's own files lie: the checkout, or the package (absolute). */
export const programDirectory: string = isPackage
  ? dirname(dirname(dirname(import.meta.filename)))
  : dirname(dirname(import.meta.filename));

/**
 * Where people's files lie, and `.factory/`: the checkout. With the package, the directory it is used in, of which pulumi runs
 * in `.factory/project`.
 */
export function projectDirectory(cwd = process.cwd(), packaged = isPackage): string {
  if (!packaged) return programDirectory;
  const isOwn = basename(cwd) === "project" && basename(dirname(cwd)) === ".factory";
  return isOwn ? dirname(dirname(cwd)) : cwd;
}

/** One of the program's own files as pulumi finds it: by a path that is the same on every machine, as it is in the state. */
export function ownFile(path: string, cwd = process.cwd(), packaged = isPackage): string {
  if (!packaged) return path;
  for (let directory = cwd; ; directory = dirname(directory)) {
    const found = join(directory, "node_modules", packageName);
    if (existsSync(found)) return join(relative(cwd, found), path);
    if (directory === dirname(directory)) return join(programDirectory, path);
  }
}

/** A path that is relative to the project, as pulumi finds it. */
export function projectFile(path: string, cwd = process.cwd(), packaged = isPackage): string {
  return isAbsolute(path) || !packaged ? path : join(relative(cwd, projectDirectory(cwd, packaged)), path);
}
