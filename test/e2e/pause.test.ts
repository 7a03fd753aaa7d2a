import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { paths } from "../../lib/paths.ts";
import { pause, unpause } from "../../operations/data/pause.ts";
import { createProgress, snapshotImage } from "../../setup/index.ts";
import { setupSnapshotImage } from "../../setup/snapshot-image.ts";
import { execa } from "./execa.ts";
import { dockerHost } from "./harness.ts";

const name = `e2e-${randomBytes(4).toString("hex")}-paused`;
const where = { factory: name, hired: [], host: dockerHost };
const docker = (...args: string[]) =>
  execa("docker", args, { env: { DOCKER_HOST: dockerHost }, timeout: 60_000, reject: false });

beforeAll(async () => {
  await setupSnapshotImage({ paths, env: process.env, progress: createProgress(), dockerHost });
  const work = "while true; do sleep 0.2; done";
  await docker("run", "--detach", "--init", "--network=none", `--name=${name}`, snapshotImage(), "sh", "-c", work);
});

afterAll(async () => {
  await docker("rm", "--force", name);
});

test("a container that is paused while a program starts in it is paused, and runs on after that", async () => {
  let met = 0;
  for (let tries = 0; met < 2; tries++) {
    expect(tries, "no pause met the start of a program").toBeLessThan(100);
    const starting = docker("exec", name, "true");
    await sleep((tries * 10) % 150);
    await pause(where, [name], { line: () => met++ });
    expect((await docker("inspect", "--format={{.State.Status}}", name)).stdout).toBe("paused");
    await unpause(where, [name]);
    await starting;
    expect((await docker("exec", name, "echo", "runs")).stdout).toBe("runs");
  }
});
