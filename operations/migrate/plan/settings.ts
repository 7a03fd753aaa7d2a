import { completeVersion, formatReference, type ImageReference, parseReference } from "../../../images/reference.ts";
import type { Deployment, Service } from "../read/deployment.ts";
import { splitVariables } from "./container-variables.ts";
import type { Facts } from "./facts.ts";
import type { Answers, Question } from "./plan.ts";

/** What the stack's file says of the factory that a deployment becomes. */
export interface Settings {
  /** Keys below `disinto:`, without secrets. */
  config: Record<string, unknown>;
  /** Values by the path of their key. */
  secrets: Map<string, string>;
  questions: Question[];
  notes: string[];
}

/** Reads the settings off the running containers; what they do not tell is asked. */
export function readSettings(factory: string, deployment: Deployment, facts: Facts, answers: Answers): Settings {
  const { services } = deployment;
  const agents = withFiles(
    services.find(({ role }) => role.kind === "agents"),
    deployment,
  );
  const edge = services.find(({ role }) => role.kind === "edge");
  const images = imageKeys(services, answers);
  const variables = splitVariables(agents);
  const ports = edgePorts(edge, facts, answers);
  const routes = edgeRoutes(services);
  const hired = services.flatMap((service) =>
    service.role.kind === "hired" ? [{ name: service.role.agent, ...splitVariables(service) }] : [],
  );
  const network = networkOf(agents);
  const { forge, ...agentKeys } = variables.keys;
  const config = {
    factoryName: factory,
    ...images.keys,
    ...(network === undefined ? {} : { network }),
    ...(forge === undefined ? {} : { forge }),
    agents: withoutEmpty({
      ...agentKeys,
      ...hostDirectories(agents, variables.claudeConfigDir),
      environment: variables.environment,
      hired: Object.fromEntries(hired.map(({ name, keys, environment }) => [name, hiredKeys(keys, environment)])),
    }),
    edge: { ...ports.keys, ...(routes.length === 0 ? {} : { routes }) },
  };
  const secrets = new Map([
    ...named("", variables.own),
    ...named("agentSecrets.", variables.secrets),
    ...hired.flatMap(({ name, own, secrets: others }) => [
      ...(own.forgeToken === undefined ? [] : named(`hiredSecrets.${name}.`, { FORGE_TOKEN: own.forgeToken })),
      ...named(`hiredSecrets.${name}.`, others),
    ]),
  ]);
  return {
    config: withoutEmpty(config),
    secrets,
    questions: [
      ...images.questions,
      ...ports.questions,
      ...missingForge(forge, variables.own.forgeToken !== undefined),
    ],
    notes: [...images.notes, ...variables.notes, ...hired.flatMap(({ notes }) => notes)],
  };
}

/** What agents read from files by themselves: secrets of `.env` and encrypted files, and the forge of the only project. */
const fromFiles = /^(FORGE_([A-Z]+_)?TOKEN|FORGE_PASS|ANTHROPIC_API_KEY|GITHUB_TOKEN|CODEBERG_TOKEN|NPM_TOKEN)$/;

/** The agents with all that they know; what their container's environment says comes first. */
function withFiles(agents: Service | undefined, { variables, projects }: Deployment): Service | undefined {
  if (agents === undefined) return undefined;
  const [project, ...others] = projects;
  const only = others.length === 0 ? project : undefined;
  const secrets = Object.entries(variables).filter(([name]) => fromFiles.test(name));
  return {
    ...agents,
    environment: {
      ...(only?.forgeUrl === undefined ? {} : { FORGE_URL: only.forgeUrl }),
      ...(only?.repo === undefined ? {} : { FORGE_REPO: only.repo }),
      ...Object.fromEntries(secrets),
      ...Object.fromEntries(Object.entries(agents.environment).filter(([, value]) => value !== "")),
    },
  };
}

function named(prefix: string, values: Record<string, string>): [string, string][] {
  return Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value]);
}

/** A section without what says nothing: no text, list or section that is empty. Numbers and booleans always say something. */
export function withoutEmpty(section: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(section).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === "";
}

function hiredKeys(keys: Record<string, unknown>, environment: Record<string, string>): Record<string, unknown> {
  const { roles, pollInterval, model } = keys;
  return withoutEmpty({ roles, pollInterval, model, environment });
}

function missingForge(forge: unknown, hasToken: boolean): Question[] {
  if (forge !== undefined && hasToken) return [];
  const what = forge === undefined ? "FORGE_URL and FORGE_REPO" : "FORGE_TOKEN";
  return [
    {
      asks: `Neither the agents' container nor .env has ${what}, without which the factory's agents do not work.`,
      answers: ["write it into .env of the deployment, then the same command"],
    },
  ];
}

interface ImageSettings {
  keys: Record<string, unknown>;
  questions: Question[];
  notes: string[];
}

const byDefault = { server: "ghcr.io", namespace: "disinto" };

/** The version that runs, where it is pinned; else it has to be said. */
function imageKeys(services: Service[], { release, registry, registryUser }: Answers): ImageSettings {
  const running = referenceOf(services, "agents");
  const place = registryOf(registry) ?? (running && placeOf(running)) ?? byDefault;
  const version = release ?? running?.tag;
  const section = {
    ...(place.server === byDefault.server ? {} : { server: place.server }),
    ...(place.namespace === byDefault.namespace ? {} : { namespace: place.namespace }),
    ...(registryUser === undefined ? {} : { username: registryUser }),
  };
  const keys = { ...(version === undefined ? {} : { release: version }), registry: section };
  if (version === undefined || version === "latest") {
    const why =
      running === undefined ? "are built from a checkout" : `run ${formatReference(running)}, which pins nothing`;
    return {
      keys,
      notes: [],
      questions: [
        { asks: `The agents ${why}. Which version is the factory to run?`, answers: ["--release <version>"] },
      ],
    };
  }
  return {
    keys: { ...keys, ...edgeImage(services, version, place, release) },
    questions: [],
    notes: runnerNotes(services),
  };
}

function referenceOf(services: Service[], kind: "agents" | "runner" | "edge"): ImageReference | undefined {
  const image = services.find(({ role }) => role.kind === kind)?.image;
  return image?.kind === "registry" ? parseReference(image.reference) : undefined;
}

function registryOf(text: string | undefined): { server: string; namespace: string } | undefined {
  if (text === undefined) return undefined;
  const [server = "", ...namespace] = text.split("/");
  return { server, namespace: namespace.join("/") };
}

function placeOf({ server, repository }: ImageReference): { server: string; namespace: string } | undefined {
  const parts = repository.split("/");
  return parts.pop() === "agents" ? { server, namespace: parts.join("/") } : undefined;
}

/** An edge that runs another version than the agents keeps it. */
function edgeImage(
  services: Service[],
  version: string,
  place: { server: string; namespace: string },
  release: string | undefined,
): Record<string, string> {
  const edge = referenceOf(services, "edge");
  if (release !== undefined || edge?.tag === undefined || edge.tag === "latest") return {};
  const same = formatReference(edge) === formatReference(completeVersion(version, "edge", place));
  return same || edge.repository.split("/").at(-1) !== "edge" ? {} : { edgeImage: formatReference(edge) };
}

function runnerNotes(services: Service[]): string[] {
  const [agents, runner] = [referenceOf(services, "agents"), referenceOf(services, "runner")];
  if (agents === undefined || runner === undefined || formatReference(agents) === formatReference(runner)) return [];
  return [
    `The runner has an image of its own now, ${formatReference(runner)}; the factory's runs the agents' image, always.`,
  ];
}

interface PortSettings {
  keys: Record<string, number>;
  questions: Question[];
}

function edgePorts(edge: Service | undefined, { ports }: Facts, answers: Answers): PortSettings {
  const published = (container: number) => edge?.ports.find((port) => port.container === container)?.host;
  const wanted = [
    { key: "httpPort", port: answers.httpPort ?? published(80) ?? 80, flag: "--http-port" },
    { key: "httpsPort", port: answers.httpsPort ?? published(443) ?? 443, flag: "--https-port" },
  ];
  // The old edge is stopped before the new one starts.
  const old = new Set(edge?.containers.map(({ name }) => name));
  const taken = wanted.filter(({ port }) => {
    const by = ports.get(port);
    return by !== undefined && !old.has(by);
  });
  return {
    keys: Object.fromEntries(wanted.map(({ key, port }) => [key, port])),
    questions: taken.map(({ port, flag }) => ({
      asks: `Port ${port} of the host is ${ports.get(port)}'s.`,
      answers: [`${flag} <port>`],
    })),
  };
}

/** The ways to the services that the old edge leads to, in every deployment of the kind. */
function edgeRoutes(services: Service[]): object[] {
  const has = (name: string) => services.some((service) => service.role.kind === "other" && service.name === name);
  return [
    ...(has("woodpecker") ? [{ path: "/ci", upstream: "http://woodpecker:8000" }] : []),
    ...(has("staging") ? [{ path: "/staging", upstream: "http://staging:80", stripPrefix: true }] : []),
  ];
}

/** The network on which the agents reach the forge; the services that stay are on it. */
function networkOf(agents: Service | undefined): string | undefined {
  return agents?.networks.find((name) => !["host", "bridge", "none"].includes(name));
}

function hostDirectories(agents: Service | undefined, claudeConfigDir: string | undefined): Record<string, string> {
  const binds = agents?.mounts.flatMap((mount) => (mount.kind === "bind" ? [mount] : [])) ?? [];
  const claude = binds.find(({ source, target }) => source === target && claudeConfigDir === `${source}/config`);
  const ssh = binds.find(({ target, what }) => target === "/home/agent/.ssh" && what === "directory");
  return {
    ...(claude === undefined ? {} : { claudeDir: claude.source }),
    ...(ssh === undefined ? {} : { sshDir: ssh.source }),
  };
}
