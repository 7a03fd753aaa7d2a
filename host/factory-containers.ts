import { type ComponentName, componentsWith, containerName } from "../contract/names.ts";
import { inspect } from "./docker.ts";

/** A container of a factory on its Docker host. */
interface RunningContainer {
  /** ID of the container. */
  id: string;
  name: string;
  /** ID of the image. */
  image: string;
  /** Docker's state, with its health where it has one: `running, healthy`. */
  state: string;
}

/** A factory on its Docker host, as far as its containers' names go. */
export interface Named {
  factory: string;
  /** Names of the hired agents. */
  hired: readonly string[];
  /** Address of the Docker daemon. */
  host: string;
}

/** The part of a stack's config that {@link namesIn} reads. */
interface ConfigNames {
  factoryName: string;
  agents: { hired: Record<string, unknown> };
  dockerHost: string;
}

/** The names in a stack's config. */
export function namesIn({ factoryName, agents, dockerHost }: ConfigNames): Named {
  return { factory: factoryName, hired: Object.keys(agents.hired), host: dockerHost };
}

/** A factory's containers by component, as far as they exist. */
export type Running = Record<string, RunningContainer>;

interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  State: { Status: string; Health?: { Status: string } };
}

export async function readRunning(named: Named): Promise<Running> {
  const found = await inspectComponents<Inspected>(named);
  return Object.fromEntries(
    Object.entries(found).map(([component, { Id: id, Name, Image: image, State }]) => {
      const state = State.Health === undefined ? State.Status : `${State.Status}, ${State.Health.Status}`;
      return [component, { id, name: Name.slice(1), image, state }];
    }),
  );
}

/** What `docker inspect` says of a factory's containers by component, as far as they exist. */
export async function inspectComponents<T extends { Name: string }>({
  factory,
  hired,
  host,
}: Named): Promise<Record<string, T>> {
  const components = componentsWith(hired);
  const name = (component: ComponentName) => containerName(factory, component);
  const found = await inspect<T>(host, "container", components.map(name));
  return Object.fromEntries(
    components.flatMap((component) => {
      const container = found.find(({ Name }) => Name === `/${name(component)}`);
      return container === undefined ? [] : [[component, container]];
    }),
  );
}
