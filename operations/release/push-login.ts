import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { FactoryConfig } from "../../config/parse.ts";
import { encodeLogin } from "../../images/login.ts";

/** Who pushes to a registry. */
export interface PushLogin {
  server: string;
  username: string;
  token: string;
  /** Variable of the environment the token came in. */
  variable: string;
}

/** The tokens that the runner of a factory may be given; any other registry has the third. */
const variables: Record<string, string> = { "ghcr.io": "GITHUB_TOKEN", "docker.io": "DOCKER_HUB_TOKEN" };
const otherwise = "REGISTRY_TOKEN";

/** The key that signs what is pushed, and what it is encrypted with. */
export const signingVariables = { key: "COSIGN_PRIVATE_KEY", password: "COSIGN_PASSWORD" };

/** The environment for whatever a release starts, without its secrets. */
export function withoutSecrets(): NodeJS.ProcessEnv {
  const secret = [...Object.values(variables), otherwise, ...Object.values(signingVariables)];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !secret.includes(name)));
}

/** The variable in which the token for a registry is expected. */
export function tokenVariable(server: string): string {
  return variables[server] ?? otherwise;
}

/** The login for the stack's registry; undefined where its variable is not set. */
export function readPushLogin({ server, username }: FactoryConfig["registry"]): PushLogin | undefined {
  const variable = tokenVariable(server);
  const token = process.env[variable];
  return token ? { server, username, token, variable } : undefined;
}

export function encoded({ username, token }: PushLogin): string {
  return encodeLogin(username, token);
}

const helper = "factory-release";

/**
 * Runs `work` with an environment in which docker pushes as this user: a Docker config of its own, which names a credential
 * helper that has the token from the environment. Nothing secret is on the disk, also where this process is killed.
 */
export async function withDockerLogin<T>(login: PushLogin, work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "factory-login-"));
  const address = login.server === "docker.io" ? "https://index.docker.io/v1/" : login.server;
  const answer = JSON.stringify({ ServerURL: address, Username: login.username, Secret: login.token });
  try {
    writeFileSync(join(directory, "config.json"), JSON.stringify({ credHelpers: { [address]: helper } }));
    const script = '#!/bin/sh\n[ "$1" = get ] && cat >/dev/null && printf %s "$FACTORY_RELEASE_LOGIN"\n';
    writeFileSync(join(directory, `docker-credential-${helper}`), script, { mode: 0o755 });
    return await work({
      DOCKER_CONFIG: directory,
      PATH: `${directory}${delimiter}${process.env.PATH ?? ""}`,
      FACTORY_RELEASE_LOGIN: answer,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
