import type { Role } from "./deployment.ts";

/** What tells a service's role: its name, and what it runs. */
export interface RoleEvidence {
  name: string;
  image?: string;
  builds: boolean;
}

/** What each of a deployment's services is to a factory: by its name, as disinto names them, else by its image. */
export function rolesOf(services: RoleEvidence[]): Map<string, Role> {
  const roles = new Map(services.map((service) => [service.name, roleByName(service)]));
  for (const kind of ["agents", "reproduce", "edge"] as const) {
    if ([...roles.values()].some((role) => role.kind === kind)) continue;
    const running = services.filter(({ name, image }) => roles.get(name)?.kind === "other" && isImage(image, kind));
    // Two of them would be a guess.
    if (running.length === 1 && running[0] !== undefined) roles.set(running[0].name, { kind });
  }
  return roles;
}

function roleByName({ name, image, builds }: RoleEvidence): Role {
  if (name === "agents" || name === "runner" || name === "reproduce" || name === "edge") return { kind: name };
  const agent = /^agents-(.+)$/.exec(name)?.[1];
  return agent !== undefined && (builds || isImage(image, "agents")) ? { kind: "hired", agent } : { kind: "other" };
}

/** Whether a reference's repository ends in that word: `ghcr.io/disinto/agents:v1`, `disinto-reproduce`. */
function isImage(reference: string | undefined, word: string): boolean {
  if (reference === undefined) return false;
  const repository = reference.split("@")[0]?.replace(/:[^/:]*$/, "") ?? "";
  return new RegExp(`(^|/)(disinto-)?${word}$`).test(repository);
}
