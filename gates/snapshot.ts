import { describeVersions } from "../contract/describe-version.ts";
import type { GateParameters, ReleasedImage } from "../contract/gates.ts";
import { componentsWith, imageOf } from "../contract/names.ts";
import { readRunning } from "../host/factory-containers.ts";
import { createProgress } from "../lib/progress.ts";
import { takeSnapshot } from "../operations/data/take.ts";
import { formatTaken } from "../operations/data/text.ts";

/** Snapshots the data volumes where an image is about to change; the labels name the release that is leaving. */
export async function snapshotBefore(host: string, parameters: GateParameters<"snapshot">): Promise<void> {
  const { stack, factory, repository, password, keep } = parameters;
  const hired = JSON.parse(parameters.hired) as string[];
  const images = JSON.parse(parameters.images) as ReleasedImage[];
  const running = await readRunning({ factory, hired, host });
  const changes = componentsWith(hired).some((component) => {
    const next = images.find(({ image }) => image === imageOf(component));
    return running[component] !== undefined && running[component].image !== next?.id;
  });
  if (!changes) return;
  const store = { stack, factory, hired, host, repository, password };
  const why = `before ${describeVersions(images.map(({ image, version }) => [image, version]))}`;
  const taken = await takeSnapshot(store, { why, keep: Number(keep), progress: createProgress() });
  console.log(formatTaken(store, taken));
}
