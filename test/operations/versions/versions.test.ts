import { describe, expect, test } from "vitest";
import { readEvents } from "../../../cli/history.ts";
import { parseConfig } from "../../../config/parse.ts";
import { keptTag, parseKeptTag } from "../../../contract/kept-tags.ts";
import {
  type Deployment,
  describeVersion,
  groupByTime,
  joinReleases,
  namesByDigest,
} from "../../../operations/versions/versions.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

/** An image on the host, with its tags below `acme/`. */
function image(id: string, ...tags: string[]) {
  return {
    Id: `sha256:${id}`,
    RepoTags: tags.map((tag) => `acme/${tag}`),
    RepoDigests: [`ghcr.io/disinto/agents@${digest(id)}`],
  };
}

function deployment(time: string, keys: Deployment["keys"]): Deployment {
  const { images } = parseConfig({ stack: "test", values: { ...keys }, secrets: new Set() });
  return { time, keys, images };
}

describe("a kept tag", () => {
  test.each([
    ["agents", "v0.1.1", "acme/agents:v0.1.1-20261123T114512Z"],
    ["edge", "0.2.0-rc.1", "acme/edge:0.2.0-rc.1-20261123T114512Z"],
  ] as const)("of %s %s is read as it was written", (name, version, tag) => {
    expect(keptTag("acme", name, version, "20261123T114512Z")).toBe(tag);
    expect(parseKeptTag("acme", tag)).toEqual({ image: name, version, time: "20261123T114512Z" });
  });

  test("is never longer than a tag may be", () => {
    const tag = keptTag("acme", "agents", `v${"1".repeat(127)}`, "20261123T114512Z");
    expect(tag.split(":")[1]).toHaveLength(128);
  });

  test.each(["acme/agents:dev", "other/agents:v1-20261123T114512Z", "ghcr.io/disinto/agents:v1"])(
    "is not %s",
    (tag) => {
      expect(parseKeptTag("acme", tag)).toBeUndefined();
    },
  );
});

describe("releases on the host", () => {
  test("are the images tagged at the same time, the newest first", () => {
    const releases = groupByTime("acme", [
      image("a", "agents:v0.1.0-20261101T000000Z"),
      image("b", "agents:v0.2.0-20261102T000000Z"),
      image("e", "edge:v0.1.0-20261101T000000Z", "edge:v0.1.0-20261102T000000Z"),
    ]);
    expect(releases.map((release) => [release.time, describeVersion(release)])).toEqual([
      ["2026-11-02T00:00:00Z", "agents v0.2.0, edge v0.1.0"],
      ["2026-11-01T00:00:00Z", "v0.1.0"],
    ]);
    expect(releases[0]?.images.agents?.references).toEqual([
      { server: "ghcr.io", repository: "disinto/agents", tag: "v0.2.0", digest: digest("b") },
    ]);
  });

  test("that ran twice count once, as of the last time, with the tags of both", () => {
    const [newest, ...others] = groupByTime("acme", [
      image("a", "agents:v0.1.0-20261101T000000Z", "agents:v0.1.0-20261103T000000Z"),
      image("b", "agents:v0.2.0-20261102T000000Z"),
    ]);
    expect(newest).toMatchObject({
      time: "2026-11-03T00:00:00Z",
      tags: ["acme/agents:v0.1.0-20261103T000000Z", "acme/agents:v0.1.0-20261101T000000Z"],
    });
    expect(others.map(describeVersion)).toEqual(["v0.2.0"]);
  });
});

describe("with containerd's image store", () => {
  const pulled = `ghcr.io/disinto/agents@${digest("a")}`;
  const kept = "acme/agents:v0.1.0-20261101T000000Z";

  test("the digest that Docker gives a kept tag is no reference to go back to", () => {
    const image = { Id: digest("a"), RepoTags: [kept, pulled], RepoDigests: [`acme/agents@${digest("a")}`, pulled] };
    const [release] = groupByTime("acme", [image]);
    expect(release?.images.agents?.references).toEqual([
      { server: "ghcr.io", repository: "disinto/agents", tag: "v0.1.0", digest: digest("a") },
    ]);
  });

  test("a repository of Docker Hub with the name of the kept tags is one, where there is no other", () => {
    const [release] = groupByTime("acme", [
      { Id: digest("a"), RepoTags: [kept], RepoDigests: [`acme/agents@${digest("a")}`] },
    ]);
    expect(release?.images.agents?.references).toMatchObject([{ server: "docker.io", repository: "acme/agents" }]);
  });

  test.each([
    ["nothing but a digest", { RepoTags: [], RepoDigests: [pulled] }, [pulled]],
    ["its digest among the tags", { RepoTags: [pulled], RepoDigests: [pulled, pulled] }, [pulled]],
    ["no tags at all", { RepoTags: null, RepoDigests: null }, []],
    ["a tag of somebody else's", { RepoTags: [pulled, "mine:1"], RepoDigests: [pulled] }, []],
  ])("an image with %s goes by its digest, or stays", (_, names, expected) => {
    expect(namesByDigest({ Id: digest("a"), ...names })).toEqual(expected);
  });
});

describe("all releases", () => {
  test("have the keys they were deployed with, and those only the history knows are listed too", () => {
    const kept = groupByTime("acme", [
      image("b", "agents:v0.2.0-20261102T000000Z", "reproduce:v0.2.0-20261102T000000Z", "edge:v0.2.0-20261102T000000Z"),
    ]);
    const releases = joinReleases(kept, [
      deployment("2026-11-02T00:00:01Z", { release: "v0.2.0" }),
      deployment("2026-11-01T00:00:01Z", { release: "v0.1.0" }),
      deployment("2026-10-31T00:00:01Z", { release: "v0.1.0" }),
      deployment("2026-10-30T00:00:01Z", {}),
    ]);
    expect(releases.map(({ time, keys }) => [time, keys])).toEqual([
      ["2026-11-02T00:00:00Z", { release: "v0.2.0" }],
      ["2026-11-01T00:00:01Z", { release: "v0.1.0" }],
    ]);
  });

  test("by digest are their own, whatever tag they have", () => {
    const kept = groupByTime("acme", [image("b", "agents:v0.2.0-20261102T000000Z")]);
    const pinned = (id: string) => ({ agentsImage: `ghcr.io/disinto/agents:v0.2.0@${digest(id)}` });
    const releases = joinReleases(kept, [
      deployment("2026-11-02T00:00:01Z", pinned("b")),
      deployment("2026-11-01T00:00:01Z", pinned("a")),
    ]);
    expect(releases.map(({ keys }) => keys)).toEqual([pinned("b"), pinned("a")]);
  });
});

describe("the history", () => {
  const entry = (message: string, release: string, environment: Record<string, string> = {}) => ({
    kind: "update",
    result: "succeeded",
    startTime: "2026-11-01T00:00:00.000Z",
    endTime: "2026-11-01T00:01:00.000Z",
    message,
    environment,
    config: { "disinto:release": { value: release, secret: false } },
  });

  test("names who ran ./factory, and the commit's author where it was plain pulumi", () => {
    const events = readEvents([
      entry("rollback to v0.1.0 by deploy@host-1", "v0.1.0"),
      entry("Newer agents", "v0.2.0", { "git.author": "Ada" }),
      entry("up by deploy@host-1", "v0.1.0"),
    ]);
    expect(events.map(({ who, what }) => [who, what])).toEqual([
      ["deploy@host-1", "rollback to v0.1.0"],
      ["Ada", "update"],
      ["deploy@host-1", "up"],
    ]);
    expect(events[0]?.changes).toEqual([{ key: "release", before: "v0.2.0", after: "v0.1.0" }]);
    expect(events[2]?.changes).toEqual([{ key: "release", before: null, after: "v0.1.0" }]);
  });
});
