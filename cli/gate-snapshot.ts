import { componentsWith, imageOf } from "../components/contract.ts";
import type { GateParameters } from "../components/gate-parameters.ts";
import type { ReleasedImage } from "../components/release-record.ts";
import { describeVersions } from "./releases.ts";
import { readRunning } from "./running.ts";
import { createProgress } from "./setup/step.ts";
import { takeSnapshot } from "./snapshots/take.ts";
import { formatTaken } from "./snapshots/text.ts";

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
