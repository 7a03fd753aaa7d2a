import type { GateParameters } from "../contract/gates.ts";
import type { ImageName } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { explainVolumeShadows, findVolumeShadows } from "../contract/volume-shadow.ts";
import { readFromHost, readRunningReference } from "../host/images.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { refuseOlderFormat } from "../operations/data/format.ts";

/** Refuses an image on the host with a VOLUME that would fall into an anonymous volume, or that cannot read the data. */
export async function checkVolumes(host: string, parameters: GateParameters<"volumes">): Promise<void> {
  const { factory, stack, reference, id } = parameters;
  const image = parameters.image as ImageName;
  await refuseOlderFormat(host, { factory, stack, image, id });
  const shadows = findVolumeShadows(image, await readVolumes(host, id));
  if (shadows.length === 0) return;
  const running = await readRunningReference(host, factory, image);
  throw new UserError(
    "volume-uncovered",
    `${explainVolumeShadows({ image, stack, reference, shadows, running })}\nNothing that runs was touched.`,
  );
}

async function readVolumes(host: string, id: string): Promise<string[]> {
  const config = await readFromHost(host, id);
  if (config === undefined)
    throw new UserError(
      "gone-meanwhile",
      `There is no image ${id} on ${host} any more. Try again: ${factoryCommand} up`,
    );
  return Object.keys(config.Volumes ?? {});
}
