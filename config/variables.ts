import { nearest } from "../lib/nearest.ts";
import type { Problem } from "./problem.ts";

/** Variables of the agents that keys of their own set, each with the key. */
const keysOf: Record<string, string> = {
  FORGE_URL: "forge.url",
  FORGE_REPO: "forge.repo",
  FORGE_TOKEN: "forgeToken",
  AGENT_ROLES: "agents.roles",
  POLL_INTERVAL: "agents.pollInterval",
  ARCHITECT_INTERVAL: "agents.architectInterval",
  PLANNER_INTERVAL: "agents.plannerInterval",
  SUPERVISOR_INTERVAL: "agents.supervisorInterval",
  CLAUDE_CONFIG_DIR: "agents.claudeDir",
  FACTORY_NAME: "factoryName",
};

const pinned = "would change the agents' code behind the image's back, and a rollback would not roll it back";
const ofRunner = "is the runner's alone";

/** Variables that nobody sets, each with the reason. */
const refused: Record<string, string> = {
  FACTORY_REPO: pinned,
  DISINTO_VERSION: pinned,
  DISINTO_COMPONENT: "is set by the factory: it says which container this is",
  DISINTO_CONTAINER: "is set by the factory: it says that this is a container",
  GITHUB_TOKEN: ofRunner,
  CODEBERG_TOKEN: ofRunner,
  CLAWHUB_TOKEN: ofRunner,
  DEPLOY_KEY: ofRunner,
  NPM_TOKEN: ofRunner,
  DOCKER_HUB_TOKEN: ofRunner,
};

/** Keys of a hired agent that take the place of the agents'. */
const keysOfHired = (name: string): Record<string, string> => ({
  AGENT_ROLES: `agents.hired.${name}.roles`,
  POLL_INTERVAL: `agents.hired.${name}.pollInterval`,
  ANTHROPIC_BASE_URL: `agents.hired.${name}.model.url`,
  ANTHROPIC_MODEL: `agents.hired.${name}.model.name`,
  FORGE_TOKEN: `hiredSecrets.${name}.FORGE_TOKEN`,
});

/** What a variable of the agents' container is given by. */
export interface GivenVariable {
  name: string;
  /** The hired agent it is for. @default the agents' own container */
  hired?: string;
  secret: boolean;
}

/** Why agents cannot be given a variable; undefined where they can. */
export function refusedVariable({ name, hired, secret }: GivenVariable): string | undefined {
  if (hired !== undefined && secret && name === "FORGE_TOKEN") return undefined;
  const key = { ...keysOf, ...(hired === undefined ? {} : keysOfHired(hired)) }[name];
  return key === undefined ? refused[name] : `is set by disinto:${key}`;
}

/** Where variables are given, as far as the config can be read: what else is wrong with it is found by others. */
export function variableProblems(values: Record<string, unknown>): Problem[] {
  const { environment, hired } = record(values.agents);
  const agents = Object.entries(record(hired));
  const secrets = Object.entries(record(values.hiredSecrets));
  return [
    ...namesProblems(["agents", "environment"], environment, { secret: false }),
    ...namesProblems(["agentSecrets"], values.agentSecrets, { secret: true }),
    ...agents.flatMap(([name, agent]) =>
      namesProblems(["agents", "hired", name, "environment"], record(agent).environment, {
        hired: name,
        secret: false,
      }),
    ),
    ...secrets.flatMap(([name, given]) => namesProblems(["hiredSecrets", name], given, { hired: name, secret: true })),
    ...strangers(
      agents.map(([name]) => name),
      secrets.map(([name]) => name),
    ),
  ];
}

function namesProblems(path: string[], given: unknown, where: Omit<GivenVariable, "name">): Problem[] {
  return Object.keys(record(given)).flatMap((name): Problem[] => {
    const message = refusedVariable({ name, ...where });
    if (message === undefined) return [];
    const key = [...path, name].join(".");
    return [{ path: key, message, fix: `pulumi config rm --path 'disinto:${key}'` }];
  });
}

/** Secrets of an agent that was let go may stay; those of one that nearly has another's name are a slip of the pen. */
function strangers(hired: string[], given: string[]): Problem[] {
  return given.flatMap((name): Problem[] => {
    const meant = hired.includes(name) ? undefined : nearest(name, hired);
    if (meant === undefined || given.includes(meant)) return [];
    return [
      {
        path: `hiredSecrets.${name}`,
        message: "no agent of that name is hired",
        didYouMean: `hiredSecrets.${meant}`,
        fix: `pulumi config rm --path 'disinto:hiredSecrets.${name}'`,
      },
    ];
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
