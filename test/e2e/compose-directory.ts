import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { imageNames } from "../../contract/names.ts";
import { paths } from "../../lib/paths.ts";
import { testComposeConfig } from "../../tools/test-compose.ts";
import type { ComposeDeployment } from "./compose.ts";
import { composeFile } from "./compose-file.ts";
import { e2eLabel, staticBusybox } from "./harness.ts";

const directories = ["projects", "state", "docker", "data/agents", "data/repos", "data/caddy", "claude"];

/** Writes a deployment's directory, and the one for DOCKER_CONFIG. */
export function writeDirectory(deployment: ComposeDeployment): void {
  const inside = (path: string) => join(deployment.directory, path);
  for (const path of directories) mkdirSync(inside(path), { recursive: true });
  const forge = 'forge_url = "http://forgejo:3000"';
  writeFileSync(inside("projects/website.toml"), `name = "website"\nrepo = "acme/website"\n${forge}\n`);
  writeFileSync(inside("docker/Caddyfile"), ":80\n");
  writeEnvFile(deployment);
  // The old compose reads the YAML of its time, in which a bare `no` is no text.
  writeFileSync(inside("docker-compose.yml"), stringify(composeFile(deployment), { version: "1.1" }));
  if (deployment.options.pulled === undefined) writeContext(inside("image"), deployment.name);
  writeDockerConfig(deployment);
}

/** Writes .env, with more lines or other values than the deployment began with. */
export function writeEnvFile({ directory, forgeToken, options }: ComposeDeployment, more: Record<string, string> = {}) {
  const project = options.projectName === undefined ? {} : { COMPOSE_PROJECT_NAME: options.projectName };
  const lines = Object.entries({ ...project, FORGE_TOKEN: forgeToken, ...options.variables, ...more });
  const text = lines.map(([name, value]) => `${name}='${value}'\n`).join("");
  writeFileSync(join(directory, ".env"), text, { mode: 0o600 });
}

/** What the images are built from: each is the deployment's own from its first line on. */
function writeContext(context: string, name: string): void {
  cpSync(join(import.meta.dirname, "fixtures/tiny"), context, { recursive: true });
  cpSync(staticBusybox(), join(context, "busybox"));
  for (const image of imageNames) {
    const file = join(context, "docker", image, "Dockerfile");
    const label = `FROM scratch\nLABEL ${e2eLabel}=${name} ${e2eLabel}.file=${image}`;
    writeFileSync(file, readFileSync(file, "utf8").replace("FROM scratch", label));
  }
}

function writeDockerConfig({ environment, options: { pulled, compose } }: ComposeDeployment): void {
  const config = environment.DOCKER_CONFIG;
  mkdirSync(config);
  if (pulled !== undefined) cpSync(join(pulled.registry.dockerConfig, "config.json"), join(config, "config.json"));
  if (compose === "v2") symlinkSync(join(testComposeConfig(paths), "cli-plugins"), join(config, "cli-plugins"));
}
