import type { ImageName } from "../../contract/names.ts";
import type { ComposeDeployment } from "./compose.ts";

type Service = Record<string, unknown>;

/** A compose file like the one that disinto generates. */
export function composeFile(deployment: ComposeDeployment): Record<string, unknown> {
  const hired = deployment.options.hired ?? [];
  const services: Record<string, Service> = {
    agents: agents(deployment),
    ...Object.fromEntries(hired.map((name) => [`agents-${name}`, hiredAgent(deployment, name)])),
    runner: { ...agents(deployment), restart: "no", profiles: ["on-demand"] },
    reproduce: reproduce(deployment),
    edge: edge(deployment),
    forgejo: standIn(deployment, "forgejo-data:/data", [`${deployment.forgePort}:3000`]),
    woodpecker: standIn(deployment, "woodpecker-data:/data"),
    staging: standIn(deployment, "./docker:/data:ro"),
  };
  return {
    version: "3.8",
    services,
    networks: { "disinto-net": { driver: "bridge" } },
    volumes: volumes(deployment, hired),
  };
}

const networks = ["disinto-net"];
const security_opt = ["apparmor=unconfined"];

function image({ options: { pulled } }: ComposeDeployment, name: ImageName): Service {
  if (pulled === undefined) return { build: { context: "./image", dockerfile: `docker/${name}/Dockerfile` } };
  return { image: `${pulled.registry.server}/${pulled.registry.namespace}/${name}:${pulled.version}` };
}

/** A mount of data, of the kind that the deployment has. */
function data(
  { options: { data: kind = "volumes" } }: ComposeDeployment,
  volume: string,
  path: string,
  target: string,
) {
  if (kind === "anonymous") return [];
  return [`${kind === "volumes" ? volume : path}:${target}`];
}

function agents(deployment: ComposeDeployment): Service {
  return {
    ...image(deployment, "agents"),
    restart: "unless-stopped",
    security_opt,
    networks,
    depends_on: ["forgejo"],
    volumes: [
      ...data(deployment, "agent-data", "./data/agents", "/home/agent/data"),
      ...data(deployment, "project-repos", "./data/repos", "/home/agent/repos"),
      "./claude:/var/lib/disinto/claude-shared",
      "./projects:/home/agent/disinto/projects:ro",
      "./.env:/home/agent/disinto/.env:ro",
      ...(deployment.options.data === "anonymous" ? [] : ["./state:/home/agent/disinto/state"]),
    ],
    environment: environment(deployment),
  };
}

function environment({ options: { variables = {} } }: ComposeDeployment): Record<string, string> {
  return {
    FORGE_URL: "http://forgejo:3000",
    FORGE_REPO: "acme/website",
    FORGE_TOKEN: fromEnvFile("FORGE_TOKEN"),
    FORGE_BOT_USERNAMES: "dev-bot,review-bot",
    CLAUDE_TIMEOUT: "7200",
    CLAUDE_CONFIG_DIR: "/var/lib/disinto/claude-shared/config",
    DISINTO_CONTAINER: "1",
    PROJECT_NAME: "website",
    PROJECT_REPO_ROOT: "/home/agent/repos/website",
    POLL_INTERVAL: "300",
    AGENT_ROLES: "dev,review,planner",
    ...Object.fromEntries(Object.keys(variables).map((name) => [name, fromEnvFile(name)])),
  };
}

const fromEnvFile = (name: string) => `\${${name}:-}`;

function hiredAgent(deployment: ComposeDeployment, name: string): Service {
  const common = ["./projects:/home/agent/disinto/projects:ro", "./.env:/home/agent/disinto/.env:ro"];
  return {
    ...agents(deployment),
    volumes: [`agents-${name}-data:/home/agent/data`, `project-repos-${name}:/home/agent/repos`, ...common],
    environment: {
      ...environment(deployment),
      ANTHROPIC_BASE_URL: "http://models:8080",
      ANTHROPIC_MODEL: "local",
      AGENT_ROLES: "dev",
      POLL_INTERVAL: "60",
    },
  };
}

function reproduce(deployment: ComposeDeployment): Service {
  return {
    ...image(deployment, "reproduce"),
    network_mode: "host",
    security_opt,
    profiles: ["on-demand"],
    volumes: [
      "/var/run/docker.sock:/var/run/docker.sock",
      ...data(deployment, "agent-data", "./data/agents", "/home/agent/data"),
      ...data(deployment, "project-repos", "./data/repos", "/home/agent/repos"),
    ],
  };
}

function edge(deployment: ComposeDeployment): Service {
  return {
    ...image(deployment, "edge"),
    restart: "unless-stopped",
    security_opt,
    networks,
    ports: [`${deployment.httpPort}:80`, `${deployment.httpsPort}:443`],
    volumes: [
      ...data(deployment, "caddy_data", "./data/caddy", "/data"),
      "./docker/Caddyfile:/etc/caddy/Caddyfile:ro",
      "/var/run/docker.sock:/var/run/docker.sock",
    ],
    environment: { DISINTO_VERSION: "main" },
  };
}

/** Something else that runs beside the factory: it serves its data. */
function standIn(deployment: ComposeDeployment, volume: string, ports: string[] = []): Service {
  return {
    image: deployment.busybox,
    restart: "unless-stopped",
    networks,
    ports,
    // Busybox as the first process takes no other.
    stop_signal: "SIGKILL",
    command: ["/bin/busybox", "httpd", "-f", "-p", "3000", "-h", "/data"],
    volumes: [volume],
  };
}

function volumes(
  { options: { data: kind, volumePrefix } }: ComposeDeployment,
  hired: string[],
): Record<string, unknown> {
  const own = kind === undefined || kind === "volumes" ? ["agent-data", "project-repos", "caddy_data"] : [];
  const names = [...own, ...hired.flatMap((name) => [`agents-${name}-data`, `project-repos-${name}`])];
  const others = ["forgejo-data", "woodpecker-data"];
  return Object.fromEntries(
    [...names, ...others].map((name) => [name, volumePrefix === undefined ? {} : { name: `${volumePrefix}_${name}` }]),
  );
}
