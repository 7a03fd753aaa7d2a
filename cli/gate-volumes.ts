import { type ComponentName, containerName, containers, type ImageName, labelKeys } from "../components/contract.ts";
import type { GateParameters } from "../components/gate-parameters.ts";
import { explainVolumeShadows, findVolumeShadows } from "../components/volume-shadow.ts";
import { inspect } from "./docker.ts";
import { UserError } from "./error.ts";

/** Refuses an image on the host with a VOLUME that would fall into an anonymous volume. */
export async function checkVolumes(host: string, parameters: GateParameters<"volumes">): Promise<void> {
  const { factory, stack, reference, id } = parameters;
  const image = parameters.image as ImageName;
  const shadows = findVolumeShadows(image, await readVolumes(host, id));
  if (shadows.length === 0) return;
  const running = await readRunning(host, factory, image);
  throw new UserError(
    `${explainVolumeShadows({ image, stack, reference, shadows, running })}\nNothing that runs was touched.`,
  );
}

async function readVolumes(host: string, id: string): Promise<string[]> {
  const [image] = await inspect<{ Config: { Volumes: object | null } }>(host, "image", [id]);
  if (image === undefined) throw new UserError(`There is no image ${id} on ${host} any more. Try again: ./factory up`);
  return Object.keys(image.Config.Volumes ?? {});
}

/** The reference of the image that the factory's container runs; undefined where there is none. */
async function readRunning(host: string, factory: string, image: ImageName): Promise<string | undefined> {
  const component = Object.entries(containers).find(([, runs]) => runs === image)?.[0] as ComponentName;
  const [container] = await inspect<{ Config: { Labels: Record<string, string> } }>(host, "container", [
    containerName(factory, component),
  ]);
  return container?.Config.Labels[labelKeys.image];
}
