import { beforeEach, describe, expect, test, vi } from "vitest";
import { waitUntilHealthy, watchFor } from "../../host/health.ts";
import { address, type FakeContainer, host } from "./fake-docker.ts";

vi.mock("../../host/docker.ts", async () => (await import("./fake-docker.ts")).dockerCommands);
vi.mock("node:timers/promises", async () => (await import("./fake-docker.ts")).timers);

const second = 1e9;
const name = "acme-agents";

beforeEach(() => host.reset());

/** A service that has just started, with a health check that takes 6 s to fail for good. */
function starting(given: Partial<FakeContainer> = {}): FakeContainer {
  return host.container(name, {
    health: { status: "starting", outputs: [] },
    healthcheck: { Test: ["CMD", "check"], Interval: second, Timeout: second, Retries: 3 },
    logs: ["hello"],
    ...given,
  });
}

/** One that has become healthy. */
function healthy(): FakeContainer {
  return starting({ health: { status: "healthy", outputs: ["ok"] } });
}

function becomes(status: "healthy" | "unhealthy", ...outputs: string[]): Partial<FakeContainer> {
  return { health: { status, outputs } };
}

describe("a new container is waited for", () => {
  const wait = () => waitUntilHealthy(address, name);

  test("until it is healthy, and no longer", async () => {
    const container = starting();
    host.at(2.2, () => Object.assign(container, becomes("healthy")));
    await wait();
    expect(host.seconds).toBe(2.5);
    expect(host.commands).toEqual([]);
  });

  const ends: [string, Partial<FakeContainer>, string][] = [
    ["is unhealthy, and says why", becomes("unhealthy", "fine", "no database\n"), "is unhealthy: no database"],
    ["is unhealthy, and says nothing", becomes("unhealthy"), "is unhealthy: its health check says nothing"],
    ["exits", { status: "exited", exitCode: 3 }, "exited with code 3"],
    ["is dead", { status: "dead", exitCode: 1 }, "exited with code 1"],
    [
      "has no memory left",
      { status: "exited", exitCode: 137, outOfMemory: true },
      "exited with code 137, out of memory",
    ],
    ["is about to restart", { status: "restarting", exitCode: 1 }, "keeps exiting, with code 1"],
    ["has restarted, and is healthy", { restartCount: 1, ...becomes("healthy") }, "keeps exiting, with code 0"],
    [
      "restarts for want of memory",
      { restartCount: 2, exitCode: 137, outOfMemory: true },
      "keeps exiting, with code 137, out of memory",
    ],
  ];
  test.each(ends)("until it %s", async (_, change, what) => {
    const container = starting();
    host.at(1, () => Object.assign(container, change));
    await expect(wait()).rejects.toMatchObject({
      code: "unhealthy",
      message: `acme-agents ${what}\nIts last lines:\n  hello`,
    });
    expect(host.seconds).toBe(1);
  });

  test("and of what it printed the last 20 lines are told", async () => {
    const lines = Array.from({ length: 30 }, (_, at) => `line ${at + 1}`);
    starting({ status: "exited", exitCode: 1, logs: lines });
    const told = lines.slice(10).map((line) => `  ${line}`);
    await expect(wait()).rejects.toThrow(["acme-agents exited with code 1", "Its last lines:", ...told].join("\n"));
    expect(host.commands).toEqual(["logs --tail=20 acme-agents"]);
  });

  test("and one that printed nothing is said to", async () => {
    starting({ status: "exited", exitCode: 1, logs: [] });
    await expect(wait()).rejects.toThrow("acme-agents exited with code 1\nIt printed nothing.");
  });

  const times: [string, FakeContainer["healthcheck"], number][] = [
    ["three times its interval and timeout", { Interval: second, Timeout: second, Retries: 3 }, 6],
    ["its start period besides", { Interval: 2 * second, Timeout: second, Retries: 2, StartPeriod: 10 * second }, 16],
    ["whole seconds", { Interval: 0.1 * second, Timeout: 0.1 * second, Retries: 1 }, 1],
    ["Docker's defaults where it has no times", { Test: ["CMD", "check"] }, 180],
    ["Docker's defaults where its times are 0", { Interval: 0, Timeout: 0, StartPeriod: 0, Retries: 0 }, 180],
  ];
  test.each(times)("as long as its health check implies: %s", async (_, healthcheck, within) => {
    starting({ healthcheck, health: { status: "starting", outputs: ["not yet"] } });
    await expect(wait()).rejects.toMatchObject({
      code: "unhealthy",
      message: `acme-agents is not healthy after ${within} s: not yet\nIts last lines:\n  hello`,
    });
    // Docker may be 5 s late to say so.
    expect(host.seconds).toBe(within + 5.5);
  });

  test("and it is not too late in the seconds by which Docker may be late", async () => {
    const container = starting();
    host.at(11, () => Object.assign(container, becomes("healthy")));
    await wait();
    expect(host.seconds).toBe(11);
  });

  test("for 3 s where it has no health check", async () => {
    host.container(name);
    await wait();
    expect(host.seconds).toBe(3);
  });

  test("not at all where it has none and has run for long", async () => {
    host.container(name, { startedAt: new Date("2026-11-01T00:00:00Z") });
    await wait();
    expect(host.seconds).toBe(0);
  });

  test("and one without a health check has failed where it exits meanwhile", async () => {
    const container = host.container(name);
    host.at(2, () => Object.assign(container, { status: "exited", exitCode: 1 }));
    await expect(wait()).rejects.toThrow("acme-agents exited with code 1");
  });

  test("until somebody removes it", async () => {
    starting();
    host.at(1, () => {
      host.containers = [];
    });
    await expect(wait()).rejects.toMatchObject({
      code: "gone-meanwhile",
      message: "acme-agents is gone: somebody removed it.",
    });
  });
});

describe("services that became healthy are watched", () => {
  const watch = () => watchFor(address, ["acme-edge", name], 5);
  beforeEach(() => {
    host.container("acme-edge");
  });

  test("for some seconds, and nothing is said where they stay so", async () => {
    healthy();
    await watch();
    expect(host.seconds).toBe(5);
    expect(host.commands).toEqual([]);
  });

  const ends: [string, Partial<FakeContainer>, string][] = [
    ["becomes unhealthy", becomes("unhealthy", "gone bad"), "was healthy, then became unhealthy: gone bad"],
    ["restarts", { restartCount: 1, exitCode: 2 }, "was healthy, then keeps exiting, with code 2"],
    ["stops", { status: "exited", exitCode: 0 }, "was healthy, then exited with code 0"],
  ];
  test.each(ends)("and one that %s is no release", async (_, change, what) => {
    const container = healthy();
    host.at(4, () => Object.assign(container, change));
    await expect(watch()).rejects.toMatchObject({
      code: "unhealthy",
      message: `acme-agents ${what}\nIts last lines:\n  hello`,
    });
    expect(host.seconds).toBe(4);
  });

  test("and one that is removed is told of", async () => {
    await expect(watch()).rejects.toMatchObject({ code: "gone-meanwhile" });
  });
});
