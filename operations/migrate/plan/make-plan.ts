import { configSchema } from "../../../config/schema.ts";
import { hiredComponent, labelKeys, volumesOf } from "../../../contract/names.ts";
import { UserError } from "../../../contract/user-error.ts";
import { factoryCommand } from "../../../lib/factory-command.ts";
import { givenVariables } from "../../../pulumi/kept-secrets.ts";
import { defaultDockerHost } from "../../../setup/index.ts";
import { oldName } from "../carry-out/old-containers.ts";
import type { Place } from "../place.ts";
import type { Deployment, FoundContainer, Service } from "../read/deployment.ts";
import { planData } from "./data.ts";
import type { Facts } from "./facts.ts";
import type { Answers, Plan, Question } from "./plan.ts";
import { readFacts } from "./read-facts.ts";
import { readSettings } from "./settings.ts";

export interface PlanArgs {
  deployment: Deployment;
  stack: string;
  /** Address of the Docker daemon. */
  host: string;
  answers: Answers;
  /** Of an earlier try: what it has copied may be written over. */
  migration?: string | undefined;
}

/** A plan, and the values of its secrets by their paths. */
export interface Planned {
  plan: Plan;
  values: Map<string, string>;
}

/** Reads the host, and plans how the deployment becomes a factory. Nothing is changed. */
export async function makePlan(args: PlanArgs): Promise<Planned> {
  const { deployment, host, answers } = args;
  const factory = factoryName(deployment, answers);
  const answered = Object.values(answers.data).filter((place): place is Place => place !== "empty");
  return planFor(factory, args, await readFacts({ factory, host }, deployment, answered));
}

function planFor(factory: string, { deployment, stack, host, answers, migration }: PlanArgs, facts: Facts): Planned {
  const settings = readSettings(factory, deployment, facts, answers);
  const registryToken = process.env[givenVariables.registryToken]?.trim();
  if (registryToken) settings.secrets.set("registryToken", registryToken);
  const data = planData(factory, deployment, facts, answers, migration);
  const ofFactory = deployment.services.filter(({ role }) => role.kind !== "other");
  const others = deployment.services.filter(({ role }) => role.kind === "other");
  const repository = answers.snapshots ?? `/var/backups/${factory}`;
  const plan: Plan = {
    from: deployment.directory,
    project: deployment.project,
    stack,
    factory,
    host,
    config: {
      ...settings.config,
      ...(host === defaultDockerHost ? {} : { dockerHost: host }),
      snapshots: { repository },
    },
    secrets: [...settings.secrets.keys(), "snapshotPassword"],
    data: data.data,
    old: ofFactory.flatMap((service) =>
      service.containers.map((container) => ({ ...idOf(service, container), restart: container.restart })),
    ),
    kept: others.flatMap((service) =>
      service.containers.map((container) => ({ ...idOf(service, container), startedAt: container.startedAt })),
    ),
    notes: [...settings.notes, ...data.notes, ...notesOf(deployment)],
    questions: [
      ...nameTaken(factory, facts),
      ...migratedBefore(ofFactory),
      ...atWork(ofFactory),
      ...settings.questions,
      ...data.questions,
    ],
  };
  return { plan, values: settings.secrets };
}

function idOf({ name: service }: Service, { id, name, running }: FoundContainer) {
  return { id, name, service, running };
}

function factoryName({ project }: Deployment, { name = project }: Answers): string {
  if (configSchema.shape.factoryName.safeParse(name).success) return name;
  throw new UserError(
    "usage",
    `${JSON.stringify(name)} is no name for a factory: ${configSchema.shape.factoryName.meta()?.allowed ?? "lower case letters and digits"}.\n` +
      "Give it another one: --name <name>; the data is copied to volumes of that name.",
    2,
  );
}

function nameTaken(factory: string, { factories }: Facts): Question[] {
  if (!factories.has(factory)) return [];
  const see = `docker ps --all --filter label=${labelKeys.factory}=${factory} (whose it is)`;
  return [{ asks: `There is a factory ${factory} on this host already.`, answers: ["--name <another name>", see] }];
}

/** A deployment whose containers are kept belongs to a factory by now, be it of another stack or another checkout. */
function migratedBefore(services: Service[]): Question[] {
  const names = services.flatMap(({ containers }) => containers.map(({ name }) => name));
  const kept = names.find((name) => oldName(name.replace(/-before-migration$/, "")) === name);
  if (kept === undefined) return [];
  return [
    {
      asks: `${kept} is kept by a migration already.`,
      answers: [`${factoryCommand} migrate --undo --stack <stack>, where that was carried out`],
    },
  ];
}

/** What is in the middle of something is not stopped. */
function atWork(services: Service[]): Question[] {
  const running = services.flatMap(({ containers }) => containers).filter(({ oneOff, running }) => oneOff && running);
  return running.map(({ name }) => ({
    asks: `${name} is at work.`,
    answers: [`wait until it has ended: docker wait ${name}`],
  }));
}

function notesOf({ services, unread, projects }: Deployment): string[] {
  const elsewhere = services
    .filter(({ role }) => role.kind === "runner" || role.kind === "reproduce")
    .flatMap((service) => strayMounts(service, services));
  return [
    ...services.flatMap(({ name, difference }) => difference.map((text) => `${name}: ${text}`)),
    ...unread,
    ...elsewhere,
    ...services.filter(({ role }) => role.kind !== "other" && role.kind !== "reproduce").flatMap(leftBehind),
    ...(projects.length < 2
      ? []
      : [`${projects.length} projects are in the projects volume; config names the forge of the agents' container.`]),
  ];
}

/** Sidecars that work on other volumes than the agents. */
function strayMounts(service: Service, services: Service[]): string[] {
  const agents = services.find(({ role }) => role.kind === "agents");
  return service.mounts.flatMap((mount) => {
    const other = agents?.mounts.find(({ target }) => target === mount.target);
    if (mount.kind !== "volume" || other?.kind !== "volume" || other.name === mount.name) return [];
    return [
      `${service.name} has ${mount.name} at ${mount.target}, the agents ${other.name}: the agents' counts, the other is left alone.`,
    ];
  });
}

/** Where the factory has something of its own, whatever compose mounted there. */
const ownTargets = ["/var/run/docker.sock", "/home/agent/disinto/.env", "/etc/caddy/Caddyfile", "/home/agent/.ssh"];

/** Mounts that nothing of the factory takes the place of. */
function leftBehind({ name, role, mounts }: Service): string[] {
  const component = role.kind === "hired" ? hiredComponent(role.agent) : role.kind === "edge" ? "edge" : "agents";
  const known = [...ownTargets, ...Object.keys(volumesOf(component))];
  return mounts.flatMap((mount) => {
    if (mount.kind === "tmpfs" || known.includes(mount.target)) return [];
    const source = mount.kind === "bind" ? mount.source : mount.name;
    if (mount.kind === "bind" && source === mount.target) return [];
    return [`${name}: ${source}, which is at ${mount.target} now, does not come along, and stays where it is.`];
  });
}
