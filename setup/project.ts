import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { makeOwnDirectory, type Paths } from "../lib/paths.ts";

/**
 * Writes the project that pulumi runs where the program is a package: the stacks' files are those of the directory around
 * `.factory/`, the program and its packages lie where npm has put them. A checkout is a project itself.
 */
export function setupProject(paths: Paths): void {
  if (paths.pulumiProject === paths.project) return;
  makeOwnDirectory(paths);
  mkdirSync(join(paths.pulumiProject, "node_modules"), { recursive: true });
  const { name, description, runtime } = parse(readFileSync(join(paths.program, "Pulumi.yaml"), "utf8"));
  write(paths, "Pulumi.yaml", stringify({ name, description, main: "index.js", stackConfigDir: "../..", runtime }));
  write(paths, "package.json", `${JSON.stringify({ private: true, type: "module" })}\n`);
  write(paths, "index.js", 'export * from "./node_modules/disinto/dist/index.js";\n');
  link(join(paths.pulumiProject, "node_modules", "disinto"), paths.program);
  // Pulumi's programs look for the SDK from the directory they run in; npm has put it beside this package, or into it.
  const sdk = dirname(createRequire(join(paths.program, "package.json")).resolve("@pulumi/pulumi/package.json"));
  link(join(paths.pulumiProject, "node_modules", "@pulumi"), dirname(sdk));
}

/** Another process that runs pulumi here finds the file complete, whenever it looks. */
function write({ pulumiProject }: Paths, name: string, content: string): void {
  const file = join(pulumiProject, name);
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  writeFileSync(`${file}.${process.pid}`, content);
  renameSync(`${file}.${process.pid}`, file);
}

function link(path: string, target: string): void {
  if (targetOf(path) === target) return;
  symlinkSync(target, `${path}.${process.pid}`);
  renameSync(`${path}.${process.pid}`, path);
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
