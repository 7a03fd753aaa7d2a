import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "smol-toml";
import type { ProjectFile } from "./deployment.ts";

/** The projects of a deployment; a sentence in `unread` for each file that is no TOML. */
export function readProjectFiles(directory: string, unread: string[]): ProjectFile[] {
  return filesIn(join(directory, "projects"), ".toml").flatMap((file) => {
    try {
      return [readProject(file)];
    } catch (error) {
      const [why] = String(error instanceof Error ? error.message : error).split("\n");
      unread.push(`projects/${basename(file)} cannot be read: ${why}`);
      return [];
    }
  });
}

function readProject(file: string): ProjectFile {
  const content = parse(readFileSync(file, "utf8"));
  const text = (key: string) => {
    const value = content[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [repo, forgeUrl] = [text("repo"), text("forge_url")];
  return {
    name: text("name") ?? basename(file, ".toml"),
    file,
    ...(repo === undefined ? {} : { repo }),
    ...(forgeUrl === undefined ? {} : { forgeUrl }),
  };
}

/** Files of a directory that end in `ending`, by name; none where there is no such directory. */
export function filesIn(directory: string, ending: string): string[] {
  try {
    const files = readdirSync(directory, { withFileTypes: true });
    // Whoever follows a link finds a file as well.
    const names = files.filter((entry) => !entry.isDirectory() && entry.name.endsWith(ending)).map(({ name }) => name);
    return names.sort().map((name) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
