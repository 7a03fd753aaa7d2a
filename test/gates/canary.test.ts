import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CanarySpec, rehearsalVariable } from "../../contract/gates.ts";
import { tryCanary } from "../../gates/canary.ts";
import { address, type FakeContainer, host } from "../host/fake-docker.ts";

vi.mock("../../host/docker.ts", async () => (await import("../host/fake-docker.ts")).dockerCommands);
vi.mock("node:timers/promises", async () => (await import("../host/fake-docker.ts")).timers);
vi.mock("node:child_process", async (original) => ({
  ...(await original<typeof import("node:child_process")>()),
  spawn: vi.fn(() => ({ unref: () => {} })),
}));

const spec: CanarySpec = {
  factory: "acme",
  component: "agents",
  container: "acme-agents",
  network: "acme_disinto-net",
  image: "sha256:new",
  reference: "ghcr.io/disinto/agents:v0.2.0",
  environment: ["FACTORY_NAME=acme", "POLL_INTERVAL=60"],
  capabilities: ["CHOWN", "SETUID"],
  memory: 512,
  pids: 256,
};
const healthCheck = { test: ["CMD", "/opt/check", "--all"], interval: 7, timeout: 3, retries: 2, startPeriod: 4 };
const wellCheck = { Test: ["CMD", "check"], Interval: 1e9, Timeout: 1e9, Retries: 3 };

const removed = "rm --force --volumes acme-agents-canary";

beforeEach(() => {
  host.reset();
  vi.mocked(spawn).mockClear();
  host.network("acme_disinto-net");
  host.volumes = ["acme_agent-data"];
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What runs on the old image, and the new one beside it. */
function given({ running = {}, volumes = ["/home/agent/data", "/cache"], healthcheck = wellCheck as object | null }) {
  host.container("acme-agents", {
    image: "sha256:old",
    network: "acme_disinto-net",
    health: { status: "healthy", outputs: [] },
    ...running,
  });
  host.image("sha256:new", { volumes, ...(healthcheck === null ? {} : { healthcheck }) });
}

/** What the canary becomes, so many seconds after it was started. */
function canaryBecomes(change: Partial<FakeContainer>, seconds = 2): FakeContainer[] {
  const canaries: FakeContainer[] = [];
  host.started = (canary) => {
    canaries.push(canary);
    host.at(seconds, () => Object.assign(canary, change));
  };
  return canaries;
}

const isHealthy: Partial<FakeContainer> = { health: { status: "healthy", outputs: [] } };
const isUnhealthy: Partial<FakeContainer> = {
  health: { status: "unhealthy", outputs: ["no database"] },
  logs: ["connecting"],
};

function trying(change: Partial<CanarySpec> = {}): Promise<void> {
  return tryCanary(address, { stack: "prod", spec: JSON.stringify({ ...spec, ...change }) });
}

describe("no canary is started", () => {
  test("where nothing runs: there is nothing to lose", async () => {
    host.image("sha256:new");
    await trying();
    expect(host.commands).toEqual([]);
  });

  const idle: [string, Partial<FakeContainer>][] = [
    ["the same image runs", { image: "sha256:new" }],
    ["what runs is unhealthy", { health: { status: "unhealthy", outputs: [] } }],
    ["what runs is not healthy yet", { health: { status: "starting", outputs: [] } }],
    ["what was there has stopped", { status: "exited", health: undefined }],
  ];
  test.each(idle)("where %s", async (_, running) => {
    given({ running });
    await trying();
    expect(host.commands).toEqual([]);
  });
});

describe("a new image is tried beside what runs", () => {
  test("with the limits it is going to have, without ports, secrets and data", async () => {
    given({});
    canaryBecomes(isHealthy);
    await trying();
    const options = [
      "--detach",
      "--name=acme-agents-canary",
      "--network=acme_disinto-net",
      "--cap-drop=ALL",
      "--cap-add=CHOWN",
      "--cap-add=SETUID",
      "--security-opt=no-new-privileges:true",
      "--memory=512m",
      "--memory-swap=512m",
      "--pids-limit=256",
      "--label=io.disinto.factory=acme",
      "--label=io.disinto.component=agents-canary",
      "--env=FACTORY_NAME=acme",
      "--env=POLL_INTERVAL=60",
    ];
    expect(host.commands).toEqual([removed, `run ${options.join(" ")} sha256:new`, removed]);
    expect(host.seconds).toBe(2);
  });

  test("on volumes that go with it; those of the factory stay", async () => {
    given({});
    const [during, canaries] = [[] as string[], canaryBecomes(isHealthy)];
    host.at(1, () => during.push(...host.volumes));
    await trying();
    expect(canaries[0]?.mounts.map(({ Destination }) => Destination)).toEqual(["/home/agent/data", "/cache"]);
    expect(during).toHaveLength(3);
    expect(host.volumes).toEqual(["acme_agent-data"]);
    expect(host.containers.map(({ name }) => name)).toEqual(["acme-agents"]);
  });

  test("after one that an earlier try has left is removed", async () => {
    given({});
    host.container("acme-agents-canary", { image: "sha256:older" });
    const canaries = canaryBecomes(isHealthy);
    await trying();
    expect(canaries).toHaveLength(1);
    expect(host.containers.map(({ name }) => name)).toEqual(["acme-agents"]);
  });

  test("and is removed too where this process dies, by another one", async () => {
    given({});
    const canaries = canaryBecomes(isHealthy);
    await trying();
    expect(spawn).toHaveBeenCalledOnce();
    const [program, args, options] = vi.mocked(spawn).mock.calls[0] ?? [];
    expect([program, ...(args ?? []).slice(2)]).toEqual(["sh", "sh", String(process.pid), canaries[0]?.id]);
    expect(args?.[1]).toContain('docker rm --force --volumes "$2"');
    expect(options).toMatchObject({ detached: true, stdio: "ignore", env: { DOCKER_HOST: address } });
  });

  test("on the network of what runs, where the factory's own is only about to be made", async () => {
    host.networks = [];
    given({ running: { network: "bridge" } });
    const canaries = canaryBecomes(isHealthy);
    await trying();
    expect(canaries[0]?.network).toBe("bridge");
  });
});

describe("a new image that is not fit to run", () => {
  test("is refused with its last words, and nothing of it is left", async () => {
    given({});
    canaryBecomes(isUnhealthy);
    await expect(trying()).rejects.toMatchObject({
      code: "canary-failed",
      message: [
        "The new image of agents, ghcr.io/disinto/agents:v0.2.0, is not fit to run: acme-agents-canary is unhealthy: no database",
        "Its last lines:",
        "  connecting",
        "It was tried beside acme-agents, which was not touched.",
      ].join("\n"),
    });
    expect(host.containers.map(({ name }) => name)).toEqual(["acme-agents"]);
    expect(host.volumes).toEqual(["acme_agent-data"]);
    expect(host.commands.at(-1)).toBe(removed);
  });

  test("because it exits is refused at once", async () => {
    given({});
    canaryBecomes({ status: "exited", exitCode: 127 }, 1);
    await expect(trying()).rejects.toMatchObject({
      code: "canary-failed",
      message: expect.stringContaining("acme-agents-canary exited with code 127\nIt printed nothing."),
    });
    expect(host.seconds).toBe(1);
  });

  test("because Docker does not start it is refused with Docker's words", async () => {
    given({});
    host.startErrors["acme-agents-canary"] = "exec: /entrypoint: permission denied";
    await expect(trying()).rejects.toMatchObject({
      code: "canary-failed",
      message: expect.stringContaining("is not fit to run: docker run failed on"),
    });
    await expect(trying()).rejects.toThrow("exec: /entrypoint: permission denied");
    expect(spawn).not.toHaveBeenCalled();
    expect(host.containers.map(({ name }) => name)).toEqual(["acme-agents"]);
  });

  test.each([
    ["has none", null],
    ["takes that of its base away", { Test: ["NONE"] }],
    ["has an empty one", { Test: [] }],
  ])("because nobody can tell, as it %s, is not even tried", async (_, healthcheck) => {
    given({ healthcheck });
    await expect(trying()).rejects.toMatchObject({
      code: "image-unfit",
      message: [
        "The new image of agents, ghcr.io/disinto/agents:v0.2.0, has no HEALTHCHECK, so nobody can tell whether it works.",
        "Nothing that runs was touched. Give the image a HEALTHCHECK, or set disinto:agents.healthCheck (docs/config.md).",
      ].join("\n"),
    });
    expect(host.commands).toEqual([]);
  });

  test("because the edge has no HEALTHCHECK has one way out: the config has none for it", async () => {
    given({ healthcheck: null });
    await expect(trying({ component: "edge" })).rejects.toThrow(/ Give the image a HEALTHCHECK\.$/);
  });
});

describe("with a health check of the config", () => {
  test("an image that has none is tried as one that has it, of which nothing is left", async () => {
    given({ healthcheck: null });
    const canaries = canaryBecomes(isHealthy);
    await trying({ healthCheck });
    expect(canaries[0]?.healthcheck).toEqual({
      Test: ["CMD", "/opt/check", "--all"],
      Interval: 7e9,
      Timeout: 3e9,
      StartPeriod: 4e9,
      Retries: 2,
    });
    expect(canaries[0]?.image).not.toBe("sha256:new");
    expect(host.commands[1]).toBe("build --quiet --force-rm -");
    expect(host.images.map(({ id }) => id)).toEqual(["sha256:new"]);
  });

  test("a line for a shell is one", async () => {
    given({});
    const canaries = canaryBecomes(isHealthy);
    await trying({ healthCheck: { ...healthCheck, test: ["CMD-SHELL", "check || exit 1"] } });
    expect(canaries[0]?.healthcheck?.Test).toEqual(["CMD", "/bin/sh", "-c", "check || exit 1"]);
  });

  test("nothing is left of an image that failed it", async () => {
    given({});
    canaryBecomes(isUnhealthy);
    await expect(trying({ healthCheck })).rejects.toMatchObject({ code: "canary-failed" });
    expect(host.images.map(({ id }) => id)).toEqual(["sha256:new"]);
    expect(host.containers).toHaveLength(1);
  });
});

describe("in a rehearsal", () => {
  beforeEach(() => {
    vi.stubEnv(rehearsalVariable, "1");
  });

  test("an image is tried though nothing runs, without a network where there is none", async () => {
    host.networks = [];
    host.image("sha256:new", { healthcheck: wellCheck });
    const canaries = canaryBecomes(isHealthy);
    await trying();
    expect(canaries.map(({ network }) => network)).toEqual(["none"]);
    expect(host.containers).toEqual([]);
  });

  test("an image is tried though it runs", async () => {
    given({ running: { image: "sha256:new" } });
    const canaries = canaryBecomes(isHealthy);
    await trying();
    expect(canaries).toHaveLength(1);
  });
});
