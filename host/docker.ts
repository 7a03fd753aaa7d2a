import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";

/**
 * Runs the Docker CLI against a host and returns what it prints.
 * @param input on its standard input
 * @throws UserError with Docker's own words where it fails
 */
export async function docker(host: string, args: string[], input?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(host, args, input);
  if (exitCode !== 0) throw new UserError("docker-failed", `docker ${args[0]} failed on ${host}:\n${stderr}`);
  return stdout;
}

/** What every helper container of ours is run with: what it may do besides is added to it. */
export const confined = [
  "--pull=never",
  "--log-driver=none",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
] as const;

/** What a command answered; without an exit code it did not within its time. */
export interface Answer {
  exitCode: number | undefined;
  output: string;
}

/** Runs the Docker CLI against a host for an answer, which may be any. */
export async function ask(host: string, args: string[], withinSeconds: number): Promise<Answer> {
  const timeout = withinSeconds * 1000;
  const asked = await execa("docker", args, { ...options(host), stdin: "ignore", all: true, timeout });
  // Told to end, the docker command may end with a code of its own.
  return { exitCode: asked.timedOut ? undefined : asked.exitCode, output: asked.all.trim() };
}

/** Runs the Docker CLI against a host, for what it may refuse. */
export async function dockerTry(host: string, args: string[]): Promise<void> {
  await run(host, args);
}

/** What `docker inspect` says of the containers, images, networks or volumes among `names` that exist. */
export async function inspect<T>(
  host: string,
  kind: "container" | "image" | "network" | "volume",
  names: string[],
): Promise<T[]> {
  if (names.length === 0) return [];
  const { stdout, stderr } = await run(host, [kind, "inspect", ...names]);
  const unexpected = stderr
    .split("\n")
    .filter((line) => line !== "" && !/no such (container|image|volume)|network \S+ not found/i.test(line));
  if (unexpected.length > 0)
    throw new UserError("docker-failed", `docker ${kind} inspect failed on ${host}:\n${unexpected.join("\n")}`);
  return JSON.parse(stdout) as T[];
}

function run(host: string, args: string[], input?: string) {
  return execa("docker", args, { ...options(host), ...(input === undefined ? { stdin: "ignore" } : { input }) });
}

function options(host: string) {
  return { env: { DOCKER_HOST: host, DOCKER_BUILDKIT: "0" }, reject: false } as const;
}
