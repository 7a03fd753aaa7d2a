import { statSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../../../contract/user-error.ts";
import { inspect } from "../../../host/docker.ts";
import { findCompose } from "./compose.ts";
import {
  composeLabels,
  type InspectedContainer,
  type InspectedImage,
  readComposeContainers,
  realPath,
} from "./containers.ts";
import type { Deployment } from "./deployment.ts";
import { resolveProject } from "./project.ts";
import { readProjectFiles } from "./project-files.ts";
import { readServices } from "./services.ts";
import { readVariables } from "./variables.ts";

/**
 * Reads a docker compose deployment: its file as compose itself resolves it, and its containers as they are. It changes nothing.
 * @param from the directory with the compose file
 * @param host the Docker host that it runs on, like `unix:///var/run/docker.sock`
 * @throws UserError where there is no deployment, or where it is not clear which one is meant
 */
export async function readDeployment(from: string, host: string): Promise<Deployment> {
  const directory = existingDirectory(from);
  const everything = await readComposeContainers(host);
  const compose = await findCompose();
  const unread: string[] = [];
  const variables = await readVariables(directory, compose, unread);
  const { project, file, reason } = await resolveProject({ directory, compose, containers: everything, variables });
  if (reason !== undefined) unread.push(reason);
  const containers = containersOf(project, directory, everything);
  const references = (file?.services ?? []).flatMap(({ image }) => image ?? []);
  return {
    directory,
    project,
    compose: file === undefined || compose === undefined ? "none" : compose.version,
    services: readServices({ project, file, containers, images: await readImages(host, containers, references) }),
    projects: readProjectFiles(directory, unread),
    variables,
    unread,
  };
}

function existingDirectory(from: string): string {
  const directory = realPath(resolve(from));
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) throw new UserError("usage", `There is no directory ${from}.`, 2);
  if (!found.isDirectory())
    throw new UserError("usage", `${from} is no directory: name the one with the compose file.`, 2);
  return directory;
}

/** The project's containers; an error where another directory has a project of that name. */
function containersOf(project: string, directory: string, everything: InspectedContainer[]): InspectedContainer[] {
  const containers = everything.filter((container) => composeLabels(container).project === project);
  // Compose before 1.25 wrote no directory.
  const strange = containers.find((one) => ![directory, ""].includes(composeLabels(one).workingDirectory));
  if (strange === undefined) return containers;
  const other = composeLabels(strange).workingDirectory;
  throw new UserError(
    "compose-ambiguous",
    `Two directories have the compose project ${project}: ${directory}, and ${other}, where ${strange.Name.slice(1)} was started.\n` +
      `  fix: name ${other} if that is the one, else set COMPOSE_PROJECT_NAME to the name that ${directory} was started with`,
  );
}

/** Images by ID and by the reference that a container or the file has for them. */
async function readImages(
  host: string,
  containers: InspectedContainer[],
  references: string[],
): Promise<Map<string, InspectedImage>> {
  const names = [...new Set([...containers.flatMap(({ Image, Config }) => [Image, Config.Image]), ...references])];
  // One by one: which of several names is missing, Docker tells only in words.
  const found = await Promise.all(names.map((name) => inspect<InspectedImage>(host, "image", [name])));
  return new Map(names.flatMap((name, index) => (found[index] ?? []).map((image) => [name, image] as const)));
}
