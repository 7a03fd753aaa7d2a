import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UserError } from "../../../contract/user-error.ts";
import { type Compose, resolveFile } from "./compose.ts";
import type { ComposeFile } from "./compose-file.ts";
import { composeLabels, type InspectedContainer } from "./containers.ts";

/** What compose looks for in a directory, and takes beside it. */
const mainFiles = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
const overrideFiles = mainFiles.map((name) => name.replace(/\.ya?ml$/, ".override$&"));

export interface Located {
  directory: string;
  compose: Compose | undefined;
  /** Every container of compose on the host. */
  containers: InspectedContainer[];
  /** Of .env. */
  variables: Record<string, string>;
}

/** A directory's compose project. */
export interface ResolvedProject {
  project: string;
  /** Undefined where only the containers tell. */
  file?: ComposeFile;
  /** Why there is no file. */
  reason?: string;
}

/** Finds a directory's project: by its file and its name as compose takes them, and as its containers were started with. */
export async function resolveProject({ directory, compose, containers, variables }: Located): Promise<ResolvedProject> {
  const here = containers.filter((container) => composeLabels(container).workingDirectory === directory);
  const started = [...new Set(here.map((container) => composeLabels(container).project))].sort();
  const setFile = process.env.COMPOSE_FILE ?? variables.COMPOSE_FILE;
  const files = setFile === undefined ? filesOf(here, directory) : [];
  const hasFile =
    setFile !== undefined || files.length > 0 || mainFiles.some((file) => existsSync(join(directory, file)));
  if (compose === undefined || !hasFile) {
    const known = only(started, directory);
    if (known === undefined && hasFile) throw new UserError("compose-unreadable", noCompose(directory));
    if (known === undefined)
      throw new UserError(
        "compose-unreadable",
        `There is no compose file in ${directory} (${mainFiles.join(", ")}).`,
        2,
      );
    const missing = hasFile ? "there is no docker compose and no docker-compose here" : `${directory} has none`;
    return {
      project: known,
      reason: `The compose file cannot be read: ${missing}. Only what containers tell is known.`,
    };
  }
  const file = await resolveFile(compose, { directory, files });
  const project = file.project ?? nameOf(directory, variables);
  if (started.length === 0 || started.includes(project)) return { project, file };
  // Started with `--project-name`, or by an environment that is not this one.
  const other = only(started, directory) ?? project;
  return { project: other, file: await resolveFile(compose, { directory, files, project: other }) };
}

function only(projects: string[], directory: string): string | undefined {
  if (projects.length < 2) return projects[0];
  const set = process.env.COMPOSE_PROJECT_NAME;
  if (set !== undefined && projects.includes(set)) return set;
  throw new UserError(
    "compose-ambiguous",
    `Several compose projects were started from ${directory}: ${projects.join(", ")}.\n` +
      `  fix: say which one: export COMPOSE_PROJECT_NAME=${projects[0]}`,
  );
}

/** The files that the containers were started with, where compose would not take them by itself. */
function filesOf(here: InspectedContainer[], directory: string): string[] {
  const [newest] = here
    .filter((container) => !composeLabels(container).oneOff)
    .sort((a, b) => (a.Created < b.Created ? 1 : -1));
  if (newest === undefined) return [];
  const files = composeLabels(newest).files.map((file) => resolve(directory, file));
  const ordinary = [...mainFiles, ...overrideFiles].map((file) => join(directory, file));
  if (files.every((file) => ordinary.includes(file))) return [];
  const missing = files.find((file) => !existsSync(file));
  if (missing === undefined) return files;
  throw new UserError(
    "compose-unreadable",
    `${newest.Name.slice(1)} was started with ${missing}, which does not exist.\n` +
      "  fix: put the file back, or set COMPOSE_FILE to what the deployment is described by now",
  );
}

/** The project's name as v1 makes it; v2 says it. */
function nameOf(directory: string, variables: Record<string, string>): string {
  const set = process.env.COMPOSE_PROJECT_NAME || variables.COMPOSE_PROJECT_NAME;
  const name = set || basename(directory);
  return name.toLowerCase().replaceAll(/[^-_a-z0-9]/g, "");
}

function noCompose(directory: string): string {
  return (
    `There is no docker compose and no docker-compose here to read the compose file in ${directory}, and nothing runs of it.\n` +
    "  fix: install the one that the deployment is used with (Debian: docker-compose)"
  );
}
