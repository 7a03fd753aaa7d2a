import { execa } from "execa";
import { UserError } from "./error.ts";

/**
 * Runs the Docker CLI against a host and returns what it prints.
 * @throws UserError with Docker's own words where it fails
 */
export async function docker(host: string, args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execa("docker", args, {
    env: { DOCKER_HOST: host },
    stdin: "ignore",
    reject: false,
  });
  if (exitCode !== 0) throw new UserError(`docker ${args[0]} failed on ${host}:\n${stderr}`);
  return stdout;
}

/** What `docker inspect` says of the containers and volumes among `names` that exist. */
export async function inspect<T>(host: string, kind: "container" | "volume", names: string[]): Promise<T[]> {
  const { stdout, stderr } = await execa("docker", [kind, "inspect", ...names], {
    env: { DOCKER_HOST: host },
    stdin: "ignore",
    reject: false,
  });
  const unexpected = stderr.split("\n").filter((line) => line !== "" && !/no such (container|volume)/i.test(line));
  if (unexpected.length > 0) throw new UserError(`docker ${kind} inspect failed on ${host}:\n${unexpected.join("\n")}`);
  return JSON.parse(stdout) as T[];
}
