import { execa } from "execa";
import { UserError } from "./error.ts";

/**
 * Runs the Docker CLI against a host and returns what it prints.
 * @throws UserError with Docker's own words where it fails
 */
export async function docker(host: string, args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(host, args);
  if (exitCode !== 0) throw new UserError(`docker ${args[0]} failed on ${host}:\n${stderr}`);
  return stdout;
}

/** Runs the Docker CLI against a host, for what it may refuse. */
export async function dockerTry(host: string, args: string[]): Promise<void> {
  await run(host, args);
}

/** What `docker inspect` says of the containers, images or volumes among `names` that exist. */
export async function inspect<T>(host: string, kind: "container" | "image" | "volume", names: string[]): Promise<T[]> {
  const { stdout, stderr } = await run(host, [kind, "inspect", ...names]);
  const unexpected = stderr
    .split("\n")
    .filter((line) => line !== "" && !/no such (container|image|volume)/i.test(line));
  if (unexpected.length > 0) throw new UserError(`docker ${kind} inspect failed on ${host}:\n${unexpected.join("\n")}`);
  return JSON.parse(stdout) as T[];
}

function run(host: string, args: string[]) {
  return execa("docker", args, { env: { DOCKER_HOST: host }, stdin: "ignore", reject: false });
}
