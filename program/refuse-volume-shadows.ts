import * as pulumi from "@pulumi/pulumi";
import { runError } from "../components/run-error.ts";
import type { FactoryConfig } from "../config/parse.ts";
import { type ImageName, imageNames } from "../contract/names.ts";
import { explainVolumeShadows, findVolumeShadows } from "../contract/volume-shadow.ts";
import { readArchitecture, readFromHost, readRunningReference } from "../host/images.ts";
import { findLogin, type Logins } from "../images/login.ts";
import type { ImageConfig } from "../images/manifest.ts";
import { formatReference, type PinnedReference } from "../images/reference.ts";
import { readFromRegistry } from "../images/registry.ts";
import type { PinnedImage, RunnableImage } from "../images/source.ts";

type Surroundings = Pick<FactoryConfig, "factoryName" | "dockerHost"> & Logins & { stack: string };

/**
 * Refuses pinned images with a VOLUME that would fall into an anonymous volume, before any resource is made and without
 * pulling them. What cannot be read here is not refused here: every image is checked again once it is on the host.
 * @throws RunError with all that is refused, which Pulumi shows without a stack trace
 */
export async function refuseVolumeShadows(
  images: Record<ImageName, RunnableImage>,
  around: Surroundings,
): Promise<void> {
  const pinned = imageNames.flatMap((name) => {
    const image = images[name];
    return image.kind === "registry" ? [[name, image] as const] : [];
  });
  const said = await Promise.all(pinned.map(([name, image]) => explain(name, image, around)));
  const refused = said.filter((text) => text !== undefined);
  if (refused.length > 0) throw runError("volume-uncovered", [...refused, "Nothing that runs was touched."].join("\n"));
}

async function explain(image: ImageName, pinned: PinnedImage, around: Surroundings): Promise<string | undefined> {
  const reference = formatReference(pinned.reference);
  try {
    const { Volumes } = await readConfig(pinned.reference, around);
    const shadows = findVolumeShadows(image, Object.keys(Volumes ?? {}));
    if (shadows.length === 0) return undefined;
    const running = await readRunningReference(around.dockerHost, around.factoryName, image);
    return explainVolumeShadows({ image, stack: around.stack, reference, shadows, running });
  } catch (error) {
    pulumi.log.debug(`The VOLUMEs of ${reference} cannot be read beforehand: ${(error as Error).message}`);
    return undefined;
  }
}

async function readConfig(reference: PinnedReference, around: Surroundings): Promise<ImageConfig> {
  const { server, repository, digest } = reference;
  const here = await readFromHost(around.dockerHost, formatReference({ server, repository, digest }));
  if (here !== undefined) return here;
  const login = await findLogin(server, around);
  return readFromRegistry(reference, login, await readArchitecture(around.dockerHost));
}
