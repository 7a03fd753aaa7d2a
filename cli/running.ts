import { type ComponentName, componentNames, componentOf, containerName, imageNames } from "../components/contract.ts";
import { inspect } from "./docker.ts";
import type { Release } from "./releases.ts";

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

/** A factory's containers, as far as they exist. */
export type Running = Partial<Record<ComponentName, RunningContainer>>;

interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  State: { Status: string; Health?: { Status: string } };
}

export async function readRunning(factory: string, host: string): Promise<Running> {
  const found = await inspectComponents<Inspected>(factory, host);
  return Object.fromEntries(
    Object.entries(found).map(([component, { Id: id, Name, Image: image, State }]) => {
      const state = State.Health === undefined ? State.Status : `${State.Status}, ${State.Health.Status}`;
      return [component, { id, name: Name.slice(1), image, state }];
    }),
  );
}

/** What `docker inspect` says of a factory's containers, as far as they exist. */
export async function inspectComponents<T extends { Name: string }>(
  factory: string,
  host: string,
): Promise<Partial<Record<ComponentName, T>>> {
  const name = (component: ComponentName) => containerName(factory, component);
  const found = await inspect<T>(host, "container", componentNames.map(name));
  return Object.fromEntries(
    componentNames.flatMap((component) => {
      const container = found.find(({ Name }) => Name === `/${name(component)}`);
      return container === undefined ? [] : [[component, container]];
    }),
  ) as Partial<Record<ComponentName, T>>;
}

/** Whether the containers run the release's images. */
export function isRunning({ images }: Release, running: Running): boolean {
  return imageNames.every((name) => {
    return images[name] === undefined || images[name].id === running[componentOf(name)]?.image;
  });
}
