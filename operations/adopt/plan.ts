import { execa } from "execa";
import { UserError } from "../../contract/user-error.ts";
import { historyMessage, projectOptions, runPulumi, unasked } from "../../pulumi/run.ts";
import { onStack } from "../../pulumi/stack-copy.ts";
import type { Workspace } from "../../pulumi/workspace.ts";

/** A resource as the program wants it; a secret in it is plain, and marked. */
export interface Planned {
  urn: string;
  type: string;
  name: string;
  parent: string;
  provider?: string;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
  inputs: Properties;
  /** What the state is going to have; what Docker alone knows is {@link unknown} in it. */
  outputs: Properties;
}

export type Properties = Record<string, unknown>;

/** How Pulumi writes what is not known yet (pulumi/pulumi, sdk/go/common/resource/plugin/rpc.go). */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** How it marks a secret. */
const secretMark = "4dabf18193072939515e22adb298388d";

/** What has no effect on containers, and is asked for by all of them. */
const groundwork = ["Factory::*", "Factory$disinto:index:FactoryImage**", "Factory$disinto:index:DataVolumes**"];

/** Brings images and volumes into the state: only then does anybody know what containers are wanted. Containers are not looked at. */
export async function layGroundwork(workspace: Workspace): Promise<void> {
  const targets = groundwork.flatMap((pattern) => ["--target", `**::disinto:index:${pattern}`]);
  await runPulumi(workspace, "up", [...targets, ...historyMessage("adopt"), ...unasked]);
}

interface Plan {
  resourcePlans: Record<string, { goal: Goal; state: Properties }>;
}

interface Goal {
  type: string;
  name: string;
  parent: string;
  provider?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[]>;
  inputDiff: { adds?: Properties };
}

/** What the program wants of the resources that the state does not know. */
export async function readPlan(workspace: Workspace): Promise<Planned[]> {
  const { resourcePlans } = JSON.parse(await capturePlan(workspace)) as Plan;
  return Object.entries(resourcePlans).map(([urn, { goal, state }]) => ({
    urn,
    type: goal.type,
    name: goal.name,
    parent: goal.parent,
    ...(goal.provider === undefined ? {} : { provider: goal.provider }),
    dependencies: goal.dependencies ?? [],
    propertyDependencies: goal.propertyDependencies ?? {},
    inputs: goal.inputDiff.adds ?? {},
    outputs: state,
  }));
}

/** Through a pipe: there are secrets in it, and a file of it would lie on the disk. */
async function capturePlan(workspace: Workspace): Promise<string> {
  const preview = ["preview", ...onStack(workspace), "--show-secrets", "--save-plan=/dev/fd/3"];
  const script = '{ pulumi "$@" 3>&1 >&2 || echo failed; } | cat';
  const { stdout } = await execa("sh", ["-c", script, "sh", ...preview], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  if (!stdout.trim().endsWith("}")) {
    // What it printed has secrets in it: once more, without them, to see why.
    await runPulumi(workspace, "preview");
    throw new UserError("state-unreadable", "What is wanted could not be planned, and now can: type it again.");
  }
  return stdout;
}

/** A value without the marks of secrets in it. */
export function revealAll(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(revealAll);
  if (secretMark in value) return JSON.parse((value as unknown as { plaintext: string }).plaintext);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revealAll(one)]));
}

/** The same resource with the network's ID for what is unknown of what is wanted. */
export function fillIn(planned: Planned, networkId: string): Planned {
  return { ...planned, inputs: JSON.parse(JSON.stringify(planned.inputs).replaceAll(unknown, networkId)) };
}
