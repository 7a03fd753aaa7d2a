import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { baseImage } from "../contract/base-image.ts";
import { SetupError } from "../contract/user-error.ts";
import { withLock } from "../lib/lock.ts";
import { type Paths, paths as projectPaths } from "../lib/paths.ts";
import type { Progress } from "../lib/progress.ts";
import { lastLines, type RunOptions, run } from "../lib/run.ts";
import { dockerEnvironment } from "./docker.ts";

export interface SnapshotImageOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  progress: Progress;
  dockerHost: string;
}

/** The image snapshots are taken with, under a tag that stands for its Dockerfile: an edited one is another image. */
export function snapshotImage(paths: Paths = projectPaths): string {
  const dockerfile = readFileSync(join(contextOf(paths), "Dockerfile"));
  return `disinto-snapshots:${createHash("sha256").update(dockerfile).digest("hex").slice(0, 12)}`;
}

/** Makes sure the image for snapshots is on the Docker host; it is built there, from the base image. */
export async function setupSnapshotImage({ paths, env, progress, dockerHost }: SnapshotImageOptions): Promise<void> {
  const image = snapshotImage(paths);
  const docker = (args: string[], more?: RunOptions) =>
    // The old builder leaves the image with the daemon, and takes the base image from it, whatever buildx is set to.
    run("docker", args, { env: { ...dockerEnvironment(dockerHost, env), DOCKER_BUILDKIT: "0" }, ...more });
  const isPresent = async () => (await docker(["image", "inspect", "--format", "{{.Id}}", image])).ok;
  if (await isPresent()) return progress.ready("snapshot image", image);
  await progress.step("Build the snapshot image", "data volumes are snapshotted with the restic in it", (report) =>
    withLock(paths, "snapshot-image", report, async () => {
      if (await isPresent()) return;
      const args = ["build", "--tag", image, "--build-arg", `BASE_IMAGE=${baseImage}`, contextOf(paths)];
      const built = await docker(args, { onLine: report.now });
      report.now("");
      if (built.ok) return;
      throw new SetupError("snapshot-image-missing", `The image ${image} cannot be built:\n${lastLines(built)}`, [
        `docker ${args.join(" ")}`,
      ]);
    }),
  );
}

function contextOf(paths: Paths): string {
  return join(paths.program, "docker/snapshots");
}
