import type { FactoryConfig } from "../../config/parse.ts";
import { imageNames } from "../../contract/names.ts";
import { findLogin, type Logins } from "../../images/login.ts";
import { formatReference } from "../../images/reference.ts";
import { RegistryError, Repository, reasonOf } from "../../images/registry.ts";

/** Milliseconds a forge has to answer. */
const patience = 10_000;

/** What is wrong with a token at the forge; undefined where it may read the repository. */
export async function forgeProblem(
  forge: NonNullable<FactoryConfig["forge"]>,
  token: string,
): Promise<string | undefined> {
  try {
    const answer = await fetch(repositoryAddress(forge), {
      headers: { authorization: `token ${token}`, accept: "application/json" },
      signal: AbortSignal.timeout(patience),
      redirect: "error",
    });
    return answer.ok ? undefined : forgeAnswer(forge, answer.status);
  } catch (error) {
    return `the forge ${forge.url} cannot be reached: ${reasonOf(error as Error)}`;
  }
}

/** Forgejo and Gitea have their API below the forge, GitHub has it on a host of its own. */
export function repositoryAddress({ url, repo }: NonNullable<FactoryConfig["forge"]>): string {
  if (/^https:\/\/(www\.)?github\.com\/?$/.test(url)) return `https://api.github.com/repos/${repo}`;
  return `${url.replace(/\/+$/, "")}/api/v1/repos/${repo}`;
}

function forgeAnswer({ url, repo }: NonNullable<FactoryConfig["forge"]>, status: number): string {
  if (status === 401) return `the forge ${url} does not know the token (401): make a new one there`;
  if (status === 403) return `the forge ${url} does not let the token read ${repo} (403): give it the right to`;
  if (status === 404) return `the forge ${url} has no repository ${repo} (404), or hides it from the token's account`;
  return `the forge ${url} answers ${status} for ${repo}`;
}

/** What is wrong with the images' registries: a line for each image that the logins cannot read. */
export async function imageProblems(images: FactoryConfig["images"], logins: Logins): Promise<string[]> {
  const found = await Promise.all(
    imageNames.map(async (name): Promise<string[]> => {
      const source = images[name];
      if (source.kind === "build") return [];
      const { reference } = source;
      const image = formatReference(reference);
      try {
        const repository = new Repository(reference, await findLogin(reference.server, logins));
        const manifest = await repository.findManifest(reference.digest ?? reference.tag ?? "latest");
        return manifest === undefined
          ? [`${image}: the registry has no such version, or hides it from this login`]
          : [];
      } catch (error) {
        return [`${image}: ${registryAnswer(error as Error)}`];
      }
    }),
  );
  return found.flat();
}

function registryAnswer(error: Error): string {
  if (!(error instanceof RegistryError)) return `the registry cannot be reached: ${reasonOf(error)}`;
  if (error.status === 401) return "the registry refuses this login (401): REGISTRY_READ_TOKEN, --registry-user";
  if (error.status === 403)
    return "the registry does not let this login read it (403): it needs the right to read packages";
  return error.message;
}
