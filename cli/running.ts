import { type ComponentName, componentNames, containerName, containers, imageNames } from "../components/contract.ts";
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
  const names = componentNames.map((component) => containerName(factory, component));
  const found = await inspect<Inspected>(host, "container", names);
  return Object.fromEntries(
    componentNames.flatMap((component) => {
      const container = found.find(({ Name }) => Name === `/${containerName(factory, component)}`);
      if (container === undefined) return [];
      const { Id: id, Name, Image: image, State } = container;
      const state = State.Health === undefined ? State.Status : `${State.Status}, ${State.Health.Status}`;
      return [[component, { id, name: Name.slice(1), image, state }]];
    }),
  );
}

/** Whether the containers run the release's images. */
export function isRunning({ images }: Release, running: Running): boolean {
  return imageNames.every((name) => {
    const component = componentNames.find((candidate) => containers[candidate] === name);
    const image = component === undefined ? undefined : running[component]?.image;
    return images[name] === undefined || images[name].id === image;
  });
}
