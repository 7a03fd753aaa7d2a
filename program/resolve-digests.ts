import * as docker from "@pulumi/docker";
import { runError } from "../components/run-error.ts";
import type { ImageName } from "../contract/names.ts";
import { formatReference, type ImageReference } from "../images/reference.ts";
import { explainRegistryProblems, type FailedLookup, registryCode } from "../images/registry-problem.ts";
import type { ImageSource, RunnableImage } from "../images/source.ts";

/**
 * Looks up the digest of every reference that has none, before any resource is made.
 * @throws RunError with all that could not be looked up, which Pulumi shows without a stack trace
 */
export async function resolveDigests(
  images: Record<ImageName, ImageSource>,
  provider: docker.Provider,
): Promise<Record<ImageName, RunnableImage>> {
  const failures: FailedLookup[] = [];
  const resolve = async (image: ImageSource): Promise<RunnableImage> => {
    if (image.kind === "build") return image;
    const { reference } = image;
    const digest = reference.digest ?? (await lookUp(reference, provider, failures));
    return { ...image, reference: { ...reference, digest } };
  };
  const [agents, reproduce, edge] = await Promise.all([
    resolve(images.agents),
    resolve(images.reproduce),
    resolve(images.edge),
  ]);
  if (failures.length > 0)
    throw runError(registryCode(failures), `${explainRegistryProblems(failures)}\nNothing that runs was touched.`);
  return { agents, reproduce, edge };
}

async function lookUp(reference: ImageReference, provider: docker.Provider, failures: FailedLookup[]): Promise<string> {
  try {
    return (await docker.getRegistryImage({ name: formatReference(reference) }, { provider })).sha256Digest;
  } catch (error) {
    failures.push({ reference, message: (error as Error).message });
    return "";
  }
}
