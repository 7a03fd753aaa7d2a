import { paths } from "../lib/paths.ts";
import { createProgress, defaultDockerHost, type Environment, setup } from "../setup/index.ts";
import { setupTestTools } from "./test-tools.ts";

/** Sets up all that the tests use: engine, Docker, base image, and the tools of the tests themselves. */
export async function openTestEnvironment(): Promise<Environment> {
  const progress = createProgress();
  const dockerHost = process.env.DOCKER_HOST ?? defaultDockerHost;
  const env = await setup({ dockerHost, needsDocker: true, needsBaseImage: true, progress });
  await setupTestTools({ paths, env: process.env, progress });
  return env;
}
