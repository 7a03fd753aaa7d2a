import { roles as allRoles } from "../../../config/agents.ts";
import { refusedVariable } from "../../../config/variables.ts";
import type { Service } from "../read/deployment.ts";

/** Variables of a container, sorted by what they become. */
export interface SortedVariables {
  /** Keys of `agents`, or of a hired agent, and `forge`. */
  keys: {
    forge?: { url: string; repo: string };
    roles?: string[];
    pollInterval?: string;
    architectInterval?: string;
    plannerInterval?: string;
    supervisorInterval?: string;
    model?: { url?: string; name?: string };
  };
  claudeConfigDir?: string;
  /** Plain ones that come along. */
  environment: Record<string, string>;
  /** The factory's own secrets, by their key. */
  own: { forgeToken?: string };
  /** All others: what is not known to be plain is a secret. */
  secrets: Record<string, string>;
  notes: string[];
}

const intervals = {
  POLL_INTERVAL: "pollInterval",
  ARCHITECT_INTERVAL: "architectInterval",
  PLANNER_INTERVAL: "plannerInterval",
  SUPERVISOR_INTERVAL: "supervisorInterval",
} as const;

/** Variables without secrets in them, by what a factory of compose is known to have. */
const plain = ["FORGE_BOT_USERNAMES", "CLAUDE_TIMEOUT", "PROJECT_NAME", "PROJECT_REPO_ROOT", "TZ", "LANG"];

/** Set by the factory itself. */
const dropped = ["FACTORY_NAME", "DISINTO_CONTAINER", "DISINTO_COMPONENT", "HOSTNAME", "HOME", "PATH"];

/** Sorts the variables that compose gives a service's container. */
export function splitVariables(service: Service | undefined): SortedVariables {
  const sorted: SortedVariables = { keys: {}, environment: {}, own: {}, secrets: {}, notes: [] };
  if (service === undefined) return sorted;
  const given = Object.fromEntries(Object.entries(service.environment).filter(([, value]) => value !== ""));
  const { FORGE_URL: url, FORGE_REPO: repo, ANTHROPIC_BASE_URL: base, ANTHROPIC_MODEL: model } = given;
  if (url !== undefined && repo !== undefined) sorted.keys.forge = { url: url.replace(/\/+$/, ""), repo };
  if (service.role.kind === "hired" && (base ?? model) !== undefined) {
    sorted.keys.model = {
      ...(base === undefined ? {} : { url: base }),
      ...(model === undefined ? {} : { name: model }),
    };
  }
  for (const [name, value] of Object.entries(given)) sort(sorted, service, name, value);
  return sorted;
}

function sort(sorted: SortedVariables, { name: service, role }: Service, name: string, value: string): void {
  const isModel = role.kind === "hired" && ["ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"].includes(name);
  if (isModel || ["FORGE_URL", "FORGE_REPO"].includes(name) || dropped.includes(name)) return;
  const hired = role.kind === "hired" ? { hired: role.agent } : {};
  const reason = refusedVariable({ name, secret: true, ...hired });
  if (name in intervals && /^\d+$/.test(value)) {
    sorted.keys[intervals[name as keyof typeof intervals]] = `${value}s`;
  } else if (name === "AGENT_ROLES") {
    const known = value
      .split(/[\s,]+/)
      .filter((word): word is (typeof allRoles)[number] => allRoles.some((it) => it === word));
    if (known.length > 0) sorted.keys.roles = [...new Set(known)];
  } else if (name === "CLAUDE_CONFIG_DIR") {
    sorted.claudeConfigDir = value;
  } else if (name === "FORGE_TOKEN") {
    sorted.own.forgeToken = value;
  } else if (reason !== undefined) {
    sorted.notes.push(`${service}: ${name} does not come along: it ${reason}.`);
  } else if (plain.includes(name)) {
    sorted.environment[name] = value;
  } else {
    sorted.secrets[name] = value;
  }
}
