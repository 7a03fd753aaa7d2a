import { runError } from "../components/run-error.ts";
import type { SetupError } from "../contract/user-error.ts";
import { refuseDockerContext as refuse } from "../host/docker-context.ts";

/**
 * Refuses a Docker context of the environment also where a plain pulumi runs the program, which no set-up looks at.
 * @throws RunError, which Pulumi shows without a stack trace
 */
export function refuseDockerContext(dockerHost: string, env: NodeJS.ProcessEnv = process.env): void {
  try {
    refuse(dockerHost, env);
  } catch (error) {
    const { code, shown } = error as SetupError;
    throw runError(code, `${shown}\nNothing that runs was touched.`);
  }
}
