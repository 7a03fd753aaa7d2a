import { type GateParameters, type ReleasedImage, watchVariable } from "../contract/gates.ts";
import { keptTag, keptTime } from "../contract/kept-tags.ts";
import { containerName, servicesWith } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { docker } from "../host/docker.ts";
import { watchFor } from "../host/health.ts";
import { wayBack } from "./finish.ts";

/** Seconds in which a release may still turn out to be none: programs that crash often do it at once. */
const watchedFor = Math.max(1, Number(process.env[watchVariable]) || 5);

/** Watches the services for a moment, then tags the release's images by time. */
export async function recordRelease(host: string, parameters: GateParameters<"release">): Promise<void> {
  const { factory, stack } = parameters;
  try {
    const services = servicesWith(JSON.parse(parameters.hired) as string[]);
    await watchFor(
      host,
      services.map((service) => containerName(factory, service)),
      watchedFor,
    );
  } catch (error) {
    throw new UserError("unhealthy", `${(error as Error).message}\n${wayBack(stack)}`);
  }
  const now = keptTime(new Date());
  for (const { image, version, id } of JSON.parse(parameters.images) as ReleasedImage[]) {
    await docker(host, ["tag", id, keptTag(factory, image, version, now)]);
  }
}
