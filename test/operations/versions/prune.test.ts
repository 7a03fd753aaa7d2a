import { beforeEach, describe, expect, test, vi } from "vitest";
import { pruneReleases } from "../../../operations/versions/prune.ts";
import { address, host } from "../../host/fake-docker.ts";

vi.mock("../../../host/docker.ts", async () => (await import("../../host/fake-docker.ts")).dockerCommands);

beforeEach(() => host.reset());

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

/** An image that was pulled by digest and kept by tags below `acme/`. */
function kept(digit: string, ...tags: string[]) {
  return host.image(digest(digit), {
    tags: tags.map((tag) => `acme/${tag}`),
    digests: [`ghcr.io/disinto/agents@${digest(digit)}`],
  });
}

function prune(keep: number): Promise<string[]> {
  return pruneReleases("acme", address, keep);
}

const left = () => host.images.map(({ id }) => id[7]).join("");

describe("old releases on the host", () => {
  test("are none where nothing is kept", async () => {
    host.image(digest("a"), { tags: ["acme/agents:dev", "other/agents:v0.1.0-20261101T000000Z"] });
    expect(await prune(0)).toEqual([]);
    expect(left()).toBe("a");
  });

  test("stay where there are no more than are to be kept", async () => {
    kept("a", "agents:v0.1.0-20261101T000000Z");
    kept("b", "agents:v0.2.0-20261102T000000Z");
    expect(await prune(2)).toEqual([]);
    expect(left()).toBe("ab");
  });

  test("go with their images, all but the newest, and each is told of", async () => {
    kept("a", "agents:v0.1.0-20261101T000000Z");
    kept("c", "agents:v0.3.0-20261103T000000Z");
    kept("b", "agents:v0.2.0-20261102T000000Z");
    kept("d", "agents:v0.4.0-20261104T000000Z");
    expect(await prune(2)).toEqual([
      "Removed the images of v0.2.0, deployed 2026-11-02T00:00:00Z (keepReleases: 2).",
      "Removed the images of v0.1.0, deployed 2026-11-01T00:00:00Z (keepReleases: 2).",
    ]);
    expect(left()).toBe("cd");
  });

  test("leave an image that a newer release has too", async () => {
    kept("a", "agents:v0.1.0-20261101T000000Z");
    kept("b", "agents:v0.2.0-20261102T000000Z");
    const edge = kept("e", "edge:v0.1.0-20261101T000000Z", "edge:v0.1.0-20261102T000000Z");
    expect(await prune(1)).toEqual(["Removed the images of v0.1.0, deployed 2026-11-01T00:00:00Z (keepReleases: 1)."]);
    expect(left()).toBe("be");
    expect(edge.tags).toEqual(["acme/edge:v0.1.0-20261102T000000Z"]);
    expect(edge.digests).toHaveLength(1);
  });

  test("count once where they were deployed twice, and go with the tags of both times", async () => {
    kept("a", "agents:v0.1.0-20261101T000000Z", "agents:v0.1.0-20261103T000000Z");
    kept("b", "agents:v0.2.0-20261102T000000Z");
    expect(await prune(2)).toEqual([]);
    kept("c", "agents:v0.3.0-20261104T000000Z");
    expect(await prune(1)).toHaveLength(2);
    expect(left()).toBe("c");
  });

  test("leave an image that a container uses, though it is stopped", async () => {
    kept("a", "agents:v0.1.0-20261101T000000Z");
    kept("b", "agents:v0.2.0-20261102T000000Z");
    host.container("acme-runner", { image: digest("a"), status: "exited" });
    await prune(1);
    expect(left()).toBe("ab");
  });

  test("leave an image that has a name of somebody else's", async () => {
    const image = kept("a", "agents:v0.1.0-20261101T000000Z");
    image.tags.push("mine:1");
    kept("b", "agents:v0.2.0-20261102T000000Z");
    await prune(1);
    expect(image).toMatchObject({ tags: ["mine:1"], digests: [`ghcr.io/disinto/agents@${digest("a")}`] });
    expect(left()).toBe("ab");
  });

  test("of another factory stay", async () => {
    host.image(digest("f"), { tags: ["other/agents:v0.1.0-20261101T000000Z"] });
    kept("b", "agents:v0.2.0-20261102T000000Z");
    await prune(0);
    expect(left()).toBe("f");
  });
});
