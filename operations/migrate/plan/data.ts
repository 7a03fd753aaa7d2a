import { hiredComponent, images, ownVolumes, type VolumeKey, volumeName, volumesOf } from "../../../contract/names.ts";
import { formatPlace, type Place } from "../place.ts";
import type { Deployment, Mount, Service } from "../read/deployment.ts";
import type { Content } from "./contents.ts";
import type { Facts, VolumeFact } from "./facts.ts";
import type { Answers, DataStep, Question } from "./plan.ts";
import { formatContent } from "./text.ts";

/** One of the volumes that the factory is going to have, and where compose's service has its data. */
export interface ContractVolume {
  key: VolumeKey;
  service: Service | undefined;
  /** VOLUME path in the container. */
  target: string;
  ofAgents: boolean;
}

/** The volumes of the factory that a deployment becomes. */
export function contractVolumes({ services }: Deployment): ContractVolume[] {
  const of = (kind: "agents" | "edge") => services.find(({ role }) => role.kind === kind);
  const table = (volumes: Record<string, VolumeKey>, service: Service | undefined, ofAgents: boolean) =>
    Object.entries(volumes).map(([target, key]) => ({ key, target, service, ofAgents }));
  return [
    ...table(images.agents, of("agents"), true),
    ...table(images.edge, of("edge"), false),
    ...services.flatMap((service) => (service.role.kind === "hired" ? ofHired(service, service.role.agent) : [])),
  ];
}

/** What a hired agent has of its own. */
function ofHired(service: Service, agent: string): ContractVolume[] {
  const own: string[] = ownVolumes(agent);
  return Object.entries(volumesOf(hiredComponent(agent)))
    .filter(([, key]) => own.includes(key))
    .map(([target, key]) => ({ key, target, service, ofAgents: true }));
}

/** Places that the deployment's containers have their data in. */
export function placesOf(deployment: Deployment): Place[] {
  return contractVolumes(deployment).flatMap((volume) => {
    const mount = mountOf(volume);
    const place = mount === undefined ? undefined : placeOf(mount);
    return place === undefined ? [] : [place];
  });
}

function mountOf({ service, target }: ContractVolume): Mount | undefined {
  return service?.mounts.find((mount) => mount.target === target);
}

function placeOf(mount: Mount): Place | undefined {
  switch (mount.kind) {
    case "volume":
    case "anonymous":
      return mount.name === "" ? undefined : { kind: "volume", name: mount.name };
    case "bind":
      return mount.what === "directory" ? { kind: "directory", path: mount.source } : undefined;
    case "tmpfs":
      return undefined;
  }
}

export interface DataPlan {
  data: DataStep[];
  questions: Question[];
  notes: string[];
}

/** Where each volume's data comes from. What cannot be known is asked, never guessed. */
export function planData(
  factory: string,
  deployment: Deployment,
  facts: Facts,
  answers: Answers,
  migration: string | undefined,
): DataPlan {
  const plans = contractVolumes(deployment).map((volume) => planVolume(factory, volume, facts, answers, migration));
  return {
    data: plans.map(({ step }) => step),
    questions: [
      ...plans.flatMap(({ questions }) => questions),
      ...needRoom(
        plans.map(({ step }) => step),
        facts,
      ),
    ],
    notes: plans.flatMap(({ notes }) => notes),
  };
}

interface VolumePlan {
  step: DataStep;
  questions: Question[];
  notes: string[];
}

function planVolume(
  factory: string,
  volume: ContractVolume,
  facts: Facts,
  answers: Answers,
  migration: string | undefined,
): VolumePlan {
  const { key, ofAgents } = volume;
  const name = volumeName(factory, key);
  const answer = answers.data[key];
  const mount = mountOf(volume);
  const found = mount === undefined ? undefined : placeOf(mount);
  const from = answer === "empty" ? undefined : (answer ?? found);
  const step = (source: DataStep["source"], says: string): DataStep => ({ key, volume: name, source, ofAgents, says });
  const questions = answer === undefined ? doubts(volume, mount, found, facts) : [];
  const content = from === undefined ? undefined : facts.contents.get(formatPlace(from));
  if (from === undefined) {
    const why = mount?.kind === "bind" ? `${mount.source} is not there` : "nothing was there before";
    const target = targetProblem(name, facts, migration);
    return { step: step({ kind: "new" }, why), questions: [...questions, ...target], notes: [] };
  }
  if (answer !== undefined && content === undefined) {
    const missing = {
      asks: `There is no volume or directory ${formatPlace(from)} for ${key}.`,
      answers: dataFlags(key, []),
    };
    return { step: step({ kind: "new" }, ""), questions: [missing], notes: [] };
  }
  const says = formatContent(content);
  if (from.kind === "volume" && from.name === name) {
    return { step: step({ kind: "adopt" }, says), questions, notes: otherHomes(volume, from, facts) };
  }
  return {
    step: step({ kind: "copy", from }, says),
    questions: [...questions, ...targetProblem(name, facts, migration)],
    notes: otherHomes(volume, from, facts),
  };
}

/** What is to be copied into has to be empty, or of an earlier try. */
function targetProblem(name: string, { volumes, contents }: Facts, migration: string | undefined): Question[] {
  const found = volumes.find((volume) => volume.name === name);
  const content = contents.get(name);
  if (found === undefined || content === undefined || isEmpty(content)) return [];
  if (migration !== undefined && found.migration === migration) return [];
  return [
    {
      asks: `The volume ${name} is there already, with ${formatContent(content)}, and nothing is written over it.`,
      answers: [`--name <another name for the factory>`],
    },
  ];
}

/** Whether it can be told that the data is where the container has it now. */
function doubts(volume: ContractVolume, mount: Mount | undefined, found: Place | undefined, facts: Facts): Question[] {
  const { key, target, service } = volume;
  if (service === undefined) return [];
  const content = found === undefined ? undefined : facts.contents.get(formatPlace(found));
  const isAnonymous = mount?.kind === "anonymous";
  if (!isAnonymous && content !== undefined && !isEmpty(content)) return [];
  const others = otherPlaces(volume, found, facts);
  if (!isAnonymous && others.length === 0) return [];
  const here = isAnonymous
    ? `is in an anonymous volume at ${target} of ${service.name}, which compose may have made anew`
    : found === undefined
      ? `has no place at ${target} of ${service.name}`
      : `is empty where ${service.name} has it (${formatPlace(found)})`;
  const places = [...(isAnonymous && found !== undefined ? [found] : []), ...others];
  const listed = places.map((place) => describe(place, facts));
  return [{ asks: `${key} ${here}. Where is its data?`, answers: dataFlags(key, listed) }];
}

function dataFlags(key: string, places: string[]): string[] {
  return [...places.map((place) => `--data ${key}=${place}`), `--data ${key}=empty`];
}

function describe(place: Place, { contents, volumes }: Facts): string {
  const text = formatPlace(place);
  const users = volumes.find(({ name }) => name === text)?.users ?? [];
  const usedBy = users.length === 0 ? "" : `, used by ${users.join(", ")}`;
  return `${text}  (${formatContent(contents.get(text))}${usedBy})`;
}

/** Other volumes in which this data may lie: of another prefix, or anonymous and nobody's; those with files alone. */
function otherPlaces({ key }: ContractVolume, found: Place | undefined, { volumes, contents }: Facts): Place[] {
  const mayBe = ({ name, isAnonymous, users, migration }: VolumeFact) =>
    migration === undefined && (isAnonymous ? users.length === 0 : name.endsWith(`_${key}`));
  return volumes
    .filter(mayBe)
    .filter(({ name }) => found === undefined || formatPlace(found) !== name)
    .filter(({ name }) => !isEmpty(contents.get(name)))
    .sort((one, other) => newest(contents.get(other.name)) - newest(contents.get(one.name)))
    .map(({ name }) => ({ kind: "volume", name }));
}

/** Data of the same kind elsewhere, which may be another's, or an old one: said, and left alone. */
function otherHomes(volume: ContractVolume, found: Place, facts: Facts): string[] {
  return otherPlaces(volume, found, facts)
    .filter((place) => !/^[0-9a-f]{64}$/.test(formatPlace(place)))
    .map(
      (place) => `${formatPlace(place)} has ${formatContent(facts.contents.get(formatPlace(place)))} too: left alone.`,
    );
}

function newest(content: Content | undefined): number {
  return content?.newest?.getTime() ?? 0;
}

function isEmpty(content: Content | undefined): boolean {
  return content === undefined || (content.files === 0 && content.names.length === 0);
}

/** Copies take room beside what they are made of. */
function needRoom(data: DataStep[], { contents, free }: Facts): Question[] {
  const bytes = data
    .map(({ source }) => (source.kind === "copy" ? (contents.get(formatPlace(source.from))?.bytes ?? 0) : 0))
    .reduce((sum, size) => sum + size, 0);
  const needed = bytes === 0 ? 0 : Math.ceil(bytes * 1.05) + 64 * 1024 * 1024;
  if (needed <= free) return [];
  const gigabytes = (size: number) => `${(size / 1e9).toFixed(1)} GB`;
  return [
    {
      asks: `The copies need ${gigabytes(needed)} where Docker keeps its volumes, and ${gigabytes(free)} are free there.`,
      answers: ["docker system df (what takes the room; nothing of it is removed by itself)"],
    },
  ];
}
