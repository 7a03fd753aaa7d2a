import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OwnDaemon } from "./daemon.ts";

// The harness works on the daemon that DOCKER_HOST names when it is loaded.
const daemon = await OwnDaemon.start(96);
process.env.DOCKER_HOST = daemon.host;
const { TestFactory } = await import("./harness.ts");
const { VolumeData } = await import("./data.ts");
const { expectHealthy, fails, patch, runningIds, succeeds } = await import("./dangers.ts");
const { killAll, upUntil } = await import("./processes.ts");

let factory: Awaited<ReturnType<typeof TestFactory.create>>;
let data: Awaited<ReturnType<typeof VolumeData.write>>;

beforeAll(async () => {
  factory = await TestFactory.create({ agents: { pollInterval: "300s" } });
  data = await VolumeData.write(factory);
});

afterAll(async () => {
  try {
    await factory?.dispose();
  } finally {
    await daemon.dispose();
  }
});

describe("The Docker host", () => {
  test("the daemon is killed during the first `up`, and started again: `up` fails, the volumes stay -> `./factory up`", async () => {
    const ended = await upUntil(factory, /Container agents creating/, () => daemon.kill());
    expect(ended.exitCode, ended.all).not.toBe(0);
    const away = await fails(factory.factory("up", ["--yes"]));
    expect(away.stderr).toContain("No Docker daemon answers");
    await daemon.restart();
    await data.expectKept();
    await succeeds(factory.factory("up", ["--yes"]));
    await expectHealthy(factory, data);
  });

  test("the machine stops while a container is replaced, daemon, `./factory` and pulumi killed at once: the volumes stay -> `./factory up`", async () => {
    for (const [index, moment] of [/Container agents deleting/, /Container agents creating replacement/].entries()) {
      patch(factory, "Pulumi.test.yaml", `pollInterval: ${300 + index}s`, `pollInterval: ${301 + index}s`);
      await upUntil(factory, moment, async (group) => {
        killAll(factory, group);
        await daemon.kill();
      });
      await daemon.restart();
      await data.expectKept();
      await succeeds(factory.factory("up", ["--yes"]));
      await expectHealthy(factory, data);
    }
  });

  test("the disk is full while `up` builds an image: `up` fails, the containers run on -> take the change back, `./factory up`", async () => {
    const before = await runningIds(factory);
    const fill = 'RUN ["busybox", "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=1000"]\nVOLUME';
    patch(factory, "tiny/docker/agents/Dockerfile", "VOLUME", fill);
    const full = await fails(factory.factory("up", ["--yes"]));
    expect(full.all).toMatch(/no space left on device/i);
    expect(await runningIds(factory)).toEqual(before);
    await data.expectKept();
    await factory.git("checkout", "--", "tiny");
    await succeeds(factory.factory("up", ["--yes"]));
    await expectHealthy(factory, data);
  });

  test("`docker system prune --all --volumes` while the factory runs: runner, reproduce and their images go, the volumes stay -> `./factory up`", async () => {
    const before = await runningIds(factory);
    await factory.docker("system", "prune", "--all", "--force", "--volumes");
    expect((await succeeds(factory.factory("up", ["--yes"]))).stdout).toContain(factory.containerName("reproduce"));
    expect(await runningIds(factory)).toEqual(before);
    await expectHealthy(factory, data);
  });
});
