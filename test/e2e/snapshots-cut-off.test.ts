import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { snapshotContainerName } from "../../contract/names.ts";
import { readProcesses } from "./processes.ts";
import { type ListedSnapshot, password, SnapshotFactory, succeeds } from "./snapshot-support.ts";

let one: SnapshotFactory;
let first: ListedSnapshot;

/** Much to read, so that there is time to cut a snapshot off: a second or more. */
const megabytes = 300;

beforeAll(async () => {
  one = await SnapshotFactory.create(10);
  await one.factory.onVolume("state", "echo kept > /v/kept");
  first = await one.take();
  await one.factory.onVolume("project-repos", fill);
});

const fill = `busybox dd if=/dev/urandom of=/v/big bs=1M count=${megabytes} 2>/dev/null`;

afterAll(async () => {
  await one?.dispose();
});

const untilTheMiddle = () => one.until({ agents: "paused", helper: "running" });

/** Processes whose parent is this one, and that are a shell: what ends the operation when it is killed. */
function guardsOf(pid: number | undefined): number[] {
  const guards = readProcesses().filter(({ parent, commandLine }) => parent === pid && commandLine.startsWith("sh "));
  return guards.map((guard) => guard.pid);
}

async function expectNothingTaken(): Promise<void> {
  expect(await one.list()).toEqual([first]);
}

describe("a snapshot that is cut off is not listed, and everything runs on", () => {
  afterEach(() => one.expectAtRest());

  test("by Ctrl-C", async () => {
    const running = one.start("snapshot");
    await untilTheMiddle();
    running.kill("SIGINT");
    const { exitCode, all } = await running;
    expect(exitCode, all).toBe(1);
    expect(all).toContain("Interrupted. No snapshot was taken.");
    expect(all).not.toMatch(/^\s+at /m);
    expect(await one.states()).toEqual({ agents: "running" });
    await expectNothingTaken();
  });

  test("by a kill that no process survives", async () => {
    const running = one.start("snapshot");
    await untilTheMiddle();
    running.kill("SIGKILL");
    await running;
    await one.until({ agents: "running" });
    await expectNothingTaken();
  });

  test("by the end of its container", async () => {
    const running = one.start("snapshot");
    await untilTheMiddle();
    await one.factory.docker("kill", snapshotContainerName(one.factory.name));
    const { exitCode, all } = await running;
    expect(exitCode, all).toBe(1);
    expect(all).toContain("No snapshot was taken.");
    await expectNothingTaken();
  });

  test("together with what would have put things right: the next one does", async () => {
    const running = one.start("snapshot");
    await untilTheMiddle();
    const guards = guardsOf(running.pid);
    expect(guards).toHaveLength(1);
    for (const pid of guards) process.kill(pid, "SIGKILL");
    running.kill("SIGKILL");
    await running;
    await one.until({ agents: "paused", helper: "exited" });
    await expectNothingTaken();
    const next = await succeeds(one.run("snapshot"));
    expect(next.stderr).toContain("unpausing what it paused");
    const [newest, ...others] = await one.list();
    expect(newest?.bytes).toBeGreaterThan(megabytes * 1024 * 1024);
    expect(others).toEqual([first]);
    // What the killed ones locked keeps nobody from removing old snapshots.
    expect(next.stderr).not.toContain("old snapshots stay");
    expect(readdirSync(`${one.repository}/locks`)).toEqual([]);
  });
});

describe("while a snapshot is taken", () => {
  test("another one, or a restore, is refused; the password is nowhere to be seen", async () => {
    await one.factory.onVolume("project-repos", fill);
    const running = one.start("snapshot");
    // It is at work for as long as there is the helper, and goes no further until the others were refused.
    while ((await one.states()).helper !== "running") await sleep(20);
    running.kill("SIGSTOP");
    const helper = snapshotContainerName(one.factory.name);
    const seen = [
      await one.factory.docker("inspect", helper),
      ...readProcesses().map(({ commandLine }) => commandLine),
    ];
    expect(seen.join("\n")).not.toContain(password);
    const second = await one.run("snapshot");
    const restore = await one.run("restore", first.id, "--yes");
    for (const { exitCode, stderr } of [second, restore]) {
      expect(exitCode, stderr).toBe(1);
      expect(stderr).toContain(`Another snapshot or restore of factory ${one.factory.name} is at work.`);
    }
    running.kill("SIGCONT");
    const { exitCode, all } = await running;
    expect(exitCode, all).toBe(0);
    await one.expectAtRest();
  });
});

describe("a restore that is killed", () => {
  test("is known as such, and goes on or back", async () => {
    await one.factory.onVolume("project-repos", "busybox rm /v/big");
    const [big] = await one.list();
    const running = one.start("restore", big?.id ?? "", "--volume", "project-repos", "--volume", "state", "--yes");
    // The first helper takes the snapshot of what is there; until the second one is started, nothing is restored.
    const restores = async () => {
      const name = snapshotContainerName(one.factory.name);
      const seen = await one.factory.docker("inspect", name).catch(() => "");
      return seen.includes('\\"kind\\":\\"restore\\"') && seen.includes('"Running": true');
    };
    while (!(await restores())) await sleep(20);
    running.kill("SIGKILL");
    await running;
    await one.until({ agents: "exited", helper: "exited" });
    const refused = await one.run("snapshot");
    expect(refused.exitCode).toBe(1);
    const again = /to go on {4}\.\/factory restore (\w+) --stack test (.*)/.exec(refused.stderr);
    expect(again, refused.stderr).not.toBeNull();
    await succeeds(one.run("restore", again?.[1] ?? "", ...(again?.[2] ?? "").split(" "), "--yes"));
    expect(await one.factory.onVolume("project-repos", "busybox stat -c %s /v/big")).toBe(
      String(megabytes * 1024 * 1024),
    );
    expect(await one.factory.onVolume("state", "busybox cat /v/kept")).toBe("kept");
    await one.expectAtRest();
  });
});
