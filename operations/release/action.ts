import { stringify } from "smol-toml";
import type { FactoryConfig } from "../../config/parse.ts";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { gitTry } from "./git.ts";
import { tokenVariable } from "./push-login.ts";

/** Tokens for registries among those that docker/agents/bin/runner takes. */
const runnerSecrets = ["GITHUB_TOKEN", "DOCKER_HUB_TOKEN"];

/** Minutes after which a runner gives up. */
const patience = 60;

/** The action file with which a factory's runner makes a release; it names the secret and the mounts that takes, and no other. */
export async function formatAction(version: string, stack: string, { registry }: FactoryConfig): Promise<string> {
  const secret = tokenVariable(registry.server);
  if (!runnerSecrets.includes(secret)) {
    throw new UserError(
      "release-blocked",
      `A runner is never given ${secret}, the token for ${registry.server}: release from a machine of yours, or a pipeline.`,
      2,
    );
  }
  const { stdout: origin } = await gitTry("remote", "get-url", "origin");
  const overSsh = /^ssh:|^[\w.+-]+@[\w.-]+:/.test(origin);
  const action = {
    id: `release-${version}`,
    formula: "release",
    context: `${factoryCommand} release ${version} --stack ${stack}`,
    secrets: [secret],
    mounts: overSsh ? ["ssh"] : [],
    timeout_minutes: patience,
  };
  return `${stringify(action)}\n`;
}
