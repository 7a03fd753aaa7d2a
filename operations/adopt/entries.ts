import type { Deployment, StateEntry } from "../../pulumi/state.ts";
import type { Fit } from "./judge.ts";
import { type Planned, type Properties, unknown } from "./plan.ts";

/**
 * The state with the entries of what is taken over, as an `up` that made it would have written them. Secrets in them are plain, and
 * marked: Pulumi encrypts them as it takes the state in.
 * @param planned all that the program wants and the state does not know
 * @param read what the Docker provider says, by ID
 */
export function withAdopted(
  state: Deployment,
  planned: Planned[],
  fits: Fit[],
  read: Map<string, Properties>,
): Deployment {
  const { resources = [] } = state.deployment;
  const urns = new Set([...resources.map(({ urn }) => urn), ...fits.map(({ wanted }) => wanted.urn)]);
  const added: StateEntry[] = [];
  const addParent = (urn: string): void => {
    const parent = planned.find((one) => one.urn === urn);
    if (parent === undefined || added.some((one) => one.urn === urn)) return;
    addParent(parent.parent);
    const { type } = parent;
    added.push({ urn, type, custom: false, parent: parent.parent });
    urns.add(urn);
  };
  // The network, on which the others depend, comes first.
  for (const { leftover, wanted } of [...fits].sort((a, b) => Number(isContainer(a)) - Number(isContainer(b)))) {
    const { urn, type, parent, provider, inputs } = wanted;
    addParent(parent);
    added.push({
      urn,
      type,
      custom: true,
      id: leftover.id,
      parent,
      ...(provider === undefined ? {} : { provider }),
      inputs,
      outputs: outputsOf(wanted, leftover.id, read.get(leftover.id) ?? {}),
      // What is not in the state yet, the gates, comes with the next `up`.
      dependencies: wanted.dependencies.filter((one) => urns.has(one)),
      propertyDependencies: Object.fromEntries(
        Object.entries(wanted.propertyDependencies).map(([key, on]) => [key, on.filter((one) => urns.has(one))]),
      ),
    });
  }
  return { ...state, deployment: { ...state.deployment, resources: [...resources, ...added] } };
}

function isContainer({ leftover }: Fit): boolean {
  return leftover.kind === "container";
}

/** What is wanted, and from Docker what nobody else knows. */
function outputsOf({ inputs, outputs }: Planned, id: string, found: Properties): Properties {
  const wanted = Object.entries({ ...outputs, ...inputs }).filter(
    ([key, value]) => key !== "__defaults" && !isUnknown(value),
  );
  return { ...notSecret(found), ...Object.fromEntries(wanted), id };
}

function isUnknown(value: unknown): boolean {
  return JSON.stringify(value)?.includes(unknown) ?? true;
}

/**
 * Variables are secrets, and come from what is wanted, where they are marked. The delta is about exactly what Docker said: beside
 * anything else the provider ends in a panic, and without it does as it should.
 */
function notSecret({ envs: _, __pulumi_raw_state_delta: __, ...others }: Properties): Properties {
  return others;
}
