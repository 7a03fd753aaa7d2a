import { componentOf, containerName, type ImageName, labelKeys } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { inspect } from "../../host/docker.ts";
import { factoryCommand } from "../../lib/factory-command.ts";

/** Set where somebody has said that older images may see the data as it is. */
export const acceptDataFormat = "FACTORY_ACCEPT_DATA_FORMAT";

interface Labelled {
  Config: { Labels: Record<string, string> | null };
}

/**
 * Refuses an image that reads an older format of the data than the container there is may have written.
 * @param id of the image; one that is not on the host yet is not refused here
 * @throws UserError with the choice there is
 */
export async function refuseOlderFormat(
  host: string,
  { factory, stack, image, id }: { factory: string; stack: string; image: ImageName; id: string },
): Promise<void> {
  if (process.env[acceptDataFormat] !== undefined) return;
  const [next] = await inspect<Labelled>(host, "image", [id]);
  const [present] = await inspect<Labelled>(host, "container", [containerName(factory, componentOf(image))]);
  const [reads, written] = [formatOf(next), formatOf(present)];
  if (reads === undefined || written === undefined || reads >= written) return;
  throw new UserError(
    "data-format-older",
    `The image of ${image} reads data of format ${reads} (label ${labelKeys.dataFormat}); the one that runs has written format ${written}.\n` +
      "Nothing that runs was touched. Choose:\n" +
      `  with the data of then:  ${factoryCommand} rollback --stack ${stack} --restore <version>\n` +
      `  with the data of now:   ${factoryCommand} rollback --stack ${stack} --keep-data <version>`,
  );
}

/** A container has the labels of its image. */
function formatOf(labelled: Labelled | undefined): number | undefined {
  const label = labelled?.Config.Labels?.[labelKeys.dataFormat];
  return label !== undefined && /^\d+$/.test(label) ? Number(label) : undefined;
}
