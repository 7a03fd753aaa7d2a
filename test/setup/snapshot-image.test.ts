import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { setupSnapshotImage, snapshotImage } from "../../setup/snapshot-image.ts";
import { recordedProgress, rejection, temporaryProject, write } from "./support.ts";

test("an image that is there needs nothing", async () => {
  const { image, running, lines, calls } = setup("exit 0");
  await running;
  expect(lines).toEqual([`ready snapshot image: ${image}`]);
  expect(calls()).toEqual([`image inspect --format {{.Id}} ${image}`]);
});

test("an image that is missing is built from the base image, with the builder whose images the daemon has", async () => {
  const { image, context, running, lines, calls } = setup('[ "$1" = build ] && [ "$DOCKER_BUILDKIT" = 0 ]');
  await running;
  expect(lines).toContain("step Build the snapshot image (data volumes are snapshotted with the restic in it)");
  expect(calls().at(-1)).toBe(`build --tag ${image} --build-arg BASE_IMAGE=disinto-base:trixie ${context}`);
});

test("a build that fails says why, and what to type", async () => {
  const { image, running } = setup("echo no mirror >&2; exit 1");
  const error = await rejection(running);
  expect(error.message).toBe(`The image ${image} cannot be built:\nno mirror`);
  expect(error).toMatchObject({ byHand: [expect.stringMatching(/^docker build --tag /)] });
});

test("another Dockerfile is another image", () => {
  const paths = temporaryProject();
  const dockerfile = join(paths.project, "docker/snapshots/Dockerfile");
  write(dockerfile, "FROM a\n");
  const before = snapshotImage(paths);
  write(dockerfile, "FROM b\n");
  expect(before).toMatch(/^disinto-snapshots:[0-9a-f]{12}$/);
  expect(snapshotImage(paths)).not.toBe(before);
});

/** Starts the step with a `docker` that is a shell script and writes down what it is asked. */
function setup(script: string) {
  const paths = temporaryProject();
  const log = join(paths.project, "calls");
  write(join(paths.project, "bin", "docker"), `#!/bin/sh\necho "$@" >>${log}\n${script}\n`, 0o755);
  write(join(paths.project, "docker/snapshots/Dockerfile"), "FROM scratch\n");
  const { progress, lines } = recordedProgress();
  const env = { PATH: `${join(paths.project, "bin")}:/usr/bin:/bin` };
  const running = setupSnapshotImage({ paths, env, progress, dockerHost: "unix:///nowhere" });
  const calls = () => readFileSync(log, "utf8").trim().split("\n");
  return { image: snapshotImage(paths), context: join(paths.project, "docker/snapshots"), running, lines, calls };
}
