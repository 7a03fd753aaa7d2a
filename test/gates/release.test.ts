import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseKeptTag } from "../../contract/kept-tags.ts";
import { recordRelease } from "../../gates/release.ts";
import { address, host } from "../host/fake-docker.ts";

vi.hoisted(() => vi.stubEnv("FACTORY_WATCH_SECONDS", undefined));
vi.mock("../../host/docker.ts", async () => (await import("../host/fake-docker.ts")).dockerCommands);
vi.mock("node:timers/promises", async () => (await import("../host/fake-docker.ts")).timers);

const healthy = { status: "healthy", outputs: [] } as { status: "healthy"; outputs: string[] };

beforeEach(() => {
  host.reset();
  for (const name of ["acme-agents", "acme-agents-ada", "acme-edge"]) host.container(name, { health: { ...healthy } });
  for (const id of ["sha256:agents", "sha256:edge"]) host.image(id);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const released = [
  { image: "agents", version: "v0.2.0", id: "sha256:agents" },
  { image: "edge", version: `sha256:${"e".repeat(64)}`, id: "sha256:edge" },
];

function recording(hired: string[] = ["ada"]): Promise<void> {
  const parameters = { factory: "acme", stack: "prod", hired: JSON.stringify(hired), images: JSON.stringify(released) };
  return recordRelease(address, parameters);
}

function fail(name: string, seconds: number): void {
  host.at(seconds, () => {
    for (const container of host.containers.filter((one) => one.name === name)) container.restartCount = 1;
  });
}

describe("a release", () => {
  test("is kept by a tag for each of its images, with the time when it had stayed healthy", async () => {
    await recording();
    expect(host.seconds).toBe(5);
    expect(host.commands).toEqual([
      "tag sha256:agents acme/agents:v0.2.0-20261123T120005Z",
      `tag sha256:edge acme/edge:${"e".repeat(64)}-20261123T120005Z`,
    ]);
    const tags = host.images.flatMap(({ tags }) => tags);
    expect(tags.map((tag) => parseKeptTag("acme", tag)?.time)).toEqual(Array(2).fill("20261123T120005Z"));
  });

  test.each(["acme-agents", "acme-agents-ada", "acme-edge"])(
    "is none where %s crashes within 5 s: nothing is tagged, and the way back is told",
    async (name) => {
      fail(name, 4);
      await expect(recording()).rejects.toMatchObject({
        code: "unhealthy",
        message: [
          `${name} was healthy, then keeps exiting, with code 0`,
          "It printed nothing.",
          "The data volumes are as they were. Go back: ./factory rollback --stack prod",
        ].join("\n"),
      });
      expect(host.images.flatMap(({ tags }) => tags)).toEqual([]);
    },
  );

  test("does not wait for tasks, nor for agents that this factory has not hired", async () => {
    host.container("acme-runner", { status: "exited", exitCode: 1 });
    fail("acme-agents-ada", 1);
    await recording([]);
    expect(host.images.flatMap(({ tags }) => tags)).toHaveLength(2);
  });

  test("is not recorded where one of its services is gone", async () => {
    await expect(recording(["bob"])).rejects.toThrow("acme-agents-bob is gone: somebody removed it.");
    expect(host.commands).toEqual([]);
  });

  test("is not recorded where one of its images is gone from the host", async () => {
    host.images = host.images.filter(({ id }) => id !== "sha256:edge");
    await expect(recording()).rejects.toMatchObject({ code: "docker-failed" });
  });
});
