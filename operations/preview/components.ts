import { type ComponentName, componentNames, imageOf, labelKeys } from "../../contract/names.ts";
import { parseReference } from "../../images/reference.ts";
import type { ResourceState, Step } from "../../pulumi/events.ts";

/** A value before and after; undefined where there is none. */
export interface Change {
  before: string | undefined;
  after: string | undefined;
}

/** What a component runs, before and after. */
interface ComponentChange {
  component: ComponentName;
  image: Change;
  version: Change;
  /** The first 12 digits, or when they will be known. */
  digest: Change;
  changed: boolean;
  note?: string;
}

/** The components with their images, in the contract's order. */
export function readComponents(steps: Step[]): ComponentChange[] {
  return componentsIn(steps).flatMap((component) => {
    const container = containerStep(steps, component);
    return container === undefined ? [] : [componentChange(component, container, steps)];
  });
}

/** Hired agents are those that are there before or after. */
function componentsIn(steps: Step[]): ComponentName[] {
  const names = steps.flatMap(({ type, name }) => (type === "Container" ? [name as ComponentName] : []));
  const fixed: readonly ComponentName[] = componentNames;
  return [...fixed, ...names.filter((name) => !fixed.includes(name)).sort()];
}

function componentChange(component: ComponentName, container: Step, steps: Step[]): ComponentChange {
  const images = steps.filter(({ type, name }) => isImage(type) && name === `${imageOf(component)}-image`);
  const was = images.find(({ old }) => old !== undefined);
  const willBe = images.find((step) => step.new !== undefined);
  const version = bothSides(container, (state) => label(state, labelKeys.version));
  const image = bothSides(container, (state) => label(state, labelKeys.image));
  const digest = {
    before: container.old === undefined ? undefined : digestOf(was?.old),
    after: container.new === undefined ? undefined : newDigest(willBe),
  };
  const repository = {
    before: container.old && (repositoryOf(was?.old) ?? image.before),
    after: container.new && (repositoryOf(willBe?.new) ?? image.after),
  };
  const changed = [version, image, repository, digest].some(({ before, after }) => before !== after);
  const moved = isMoved(version, digest) && repositoryOf(willBe?.new) !== undefined;
  return {
    component,
    image: repository,
    version,
    digest,
    changed,
    ...(moved ? { note: "the tag has moved in the registry" } : {}),
  };
}

function isMoved(version: Change, digest: Change): boolean {
  const { before, after } = digest;
  return version.before === version.after && before !== undefined && after !== undefined && before !== after;
}

function isImage(type: string): boolean {
  return type === "RemoteImage" || type === "Image";
}

function containerStep(steps: Step[], component: ComponentName): Step | undefined {
  return steps.find(({ type, name }) => type === "Container" && name === component);
}

function bothSides(step: Step, read: (state: ResourceState) => string | undefined): Change {
  return { before: step.old && read(step.old), after: step.new && read(step.new) };
}

function label({ inputs }: ResourceState, key: string): string | undefined {
  const labels = Array.isArray(inputs.labels) ? (inputs.labels as { label: string; value: string }[]) : [];
  return labels.find((entry) => entry.label === key)?.value;
}

/** `ghcr.io/disinto/agents`; undefined where the image is built. */
function repositoryOf(state: ResourceState | undefined): string | undefined {
  const reference = parseReference(String(state?.inputs.name ?? ""));
  return reference === undefined ? undefined : `${reference.server}/${reference.repository}`;
}

/** Digest of a pulled image, from its reference or from the state; ID of a built one. */
function digestOf(state: ResourceState | undefined): string | undefined {
  const known = parseReference(String(state?.inputs.name ?? ""))?.digest ?? state?.outputs.repoDigest;
  return /sha256:([0-9a-f]{12})/.exec(String(known ?? ""))?.[1];
}

function newDigest(step: Step | undefined): string | undefined {
  const known = digestOf(step?.new) ?? (step?.op === "same" ? digestOf(step.old) : undefined);
  return known ?? (step?.type === "Image" ? "built by up" : "pulled by up");
}

/** What restarts, and for how long at most. */
export function readRestarts(steps: Step[]): string[] {
  const replaced = componentsIn(steps).flatMap((component) => {
    const step = containerStep(steps, component);
    return step === undefined || step.op === "same" || step.op === "update" ? [] : [{ component, step }];
  });
  if (replaced.length === 0) return ["Restarts: none."];
  const services = replaced.filter(({ step }) => isService(step));
  const tasks = replaced.filter(({ step }) => !isService(step));
  return ["Restarts:", "", ...serviceLines(services, isNetworkReplaced(steps)), ...taskLine(tasks)];
}

interface Replaced {
  component: ComponentName;
  step: Step;
}

/** Without their network, containers go together, and come back one after the other. */
function isNetworkReplaced(steps: Step[]): boolean {
  return steps.some(({ type, op }) => type === "Network" && op === "replace");
}

function serviceLines(services: Replaced[], together: boolean): string[] {
  const down = services.filter(({ step }) => step.op === "replace");
  if (together && down.length > 1) {
    const names = down.map(({ component }) => component).join(", ");
    const others = services.filter(({ step }) => step.op !== "replace");
    return [
      `- ${names}: down together, as their network is replaced, until they are healthy again`,
      ...others.map(serviceLine),
    ];
  }
  return services.map(serviceLine);
}

function serviceLine({ component, step }: Replaced): string {
  switch (step.op) {
    case "create":
      return `- ${component}: starts`;
    case "delete":
      return `- ${component}: stops within ${stopWithin(step)} s, for good`;
    default:
      return `- ${component}: down for at most ${stopWithin(step)} s to stop, and until it is healthy again`;
  }
}

function taskLine(tasks: Replaced[]): string[] {
  if (tasks.length === 0) return [];
  const names = tasks.map(({ component }) => component).join(", ");
  const grace = Math.max(...tasks.map(({ step }) => stopWithin(step)));
  const stopped = tasks.some(({ step }) => step.old !== undefined)
    ? `; a run under way is stopped within ${grace} s`
    : "";
  return [`- ${names}: not started by this, ${tasks.length === 1 ? "it is a task" : "they are tasks"}${stopped}`];
}

function isService({ old, new: wanted }: Step): boolean {
  return (wanted ?? old)?.inputs.start !== false;
}

/** What counts when the old container is stopped is what its state says. */
function stopWithin({ old }: Step): number {
  return Number(old?.inputs.destroyGraceSeconds ?? 0);
}
