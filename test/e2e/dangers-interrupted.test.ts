import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectHealthy, fails, patch, succeeds } from "./dangers.ts";
import { VolumeData } from "./data.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { killAll, upUntil } from "./processes.ts";

let factory: TestFactory;
let data: VolumeData;

beforeAll(async () => {
  factory = await TestFactory.create({ agents: { pollInterval: "300s" } });
  data = await VolumeData.write(factory);
});

afterAll(async () => {
  await factory?.dispose();
});

/** Another config, with which the agents' container is replaced. */
let interval = 300;
function changeInterval(): void {
  patch(factory, "Pulumi.test.yaml", `pollInterval: ${interval}s`, `pollInterval: ${interval + 1}s`);
  interval += 1;
}

describe("Interrupting `up`", () => {
  test("`kill -9` of `./factory` and pulumi during the first `up`, at three moments: the stack stays locked, `up` takes the lock away, the volumes stay -> `./factory up`", async () => {
    for (const moment of ["Network network creating", "Container agents creating", "Container edge creating"]) {
      await upUntil(factory, new RegExp(moment), (group) => killAll(factory, group));
      await data.expectKept();
      const recovered = await succeeds(factory.factory("up", ["--yes"]));
      expect(recovered.all, moment).toContain("was killed; its lock is taken away.");
      await expectHealthy(factory, data);
      if (moment !== "Container edge creating") await succeeds(factory.factory("destroy", ["--yes"]));
    }
    const stacks = join(factory.directory, ".factory/state/.pulumi/stacks");
    const files = readdirSync(stacks, { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.endsWith(".attrs"))).toEqual([]);
  });

  test("`kill -9` of `./factory` and pulumi while it replaces a container, at two moments: the stack stays locked, `up` takes the lock away, the volumes stay -> `./factory up`", async () => {
    for (const moment of ["Container agents deleting", "Container agents creating replacement"]) {
      changeInterval();
      await upUntil(factory, new RegExp(moment), (group) => killAll(factory, group));
      await data.expectKept();
      // As a daemon that was killed as well may leave it.
      await factory.docker("stop", factory.containerName("edge"));
      const recovered = await succeeds(factory.factory("up", ["--yes"]));
      expect(recovered.all).toContain(`${factory.containerName("edge")} was stopped, and is started.`);
      await expectHealthy(factory, data);
    }
  });

  test("Ctrl-C once: pulumi ends the step it is at, and leaves no lock and nothing unfinished -> `./factory up`", async () => {
    changeInterval();
    const ended = await upUntil(factory, /Container agents deleting/, (group) => process.kill(-group, "SIGINT"));
    expect(ended.all).toMatch(/update cancell?ed/);
    const state = await succeeds(factory.plain("pulumi stack export --stack test"));
    expect(JSON.parse(state.stdout).deployment.pending_operations).toBeUndefined();
    await data.expectKept();
    await succeeds(factory.factory("up", ["--yes"]));
    await expectHealthy(factory, data);
  });

  test("two `up` at once: the second is refused, and says who holds the lock since when -> nothing to do", async () => {
    changeInterval();
    const second: Promise<Outcome>[] = [];
    const first = await upUntil(factory, /Container agents/, () => second.push(factory.factory("up", ["--yes"])));
    const refused = await fails(second[0] as Promise<Outcome>);
    expect(refused.all).toMatch(/is being worked on by \S+@\S+ \(process \d+\) since \d{4}-/);
    expect(first.exitCode, first.all).toBe(0);
    await expectHealthy(factory, data);
  });
});
