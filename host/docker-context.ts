import { SetupError } from "../contract/user-error.ts";

/**
 * Refuses a Docker context of the environment: the provider would follow it, whatever the stack's dockerHost says.
 * @throws SetupError
 */
export function refuseDockerContext(dockerHost: string, env: NodeJS.ProcessEnv = process.env): void {
  if (!env.DOCKER_CONTEXT) return;
  throw new SetupError(
    "docker-host-conflict",
    `DOCKER_CONTEXT is set (${env.DOCKER_CONTEXT}): it would silently override the stack's dockerHost, ${dockerHost}.`,
    ["unset DOCKER_CONTEXT"],
  );
}
