import { describe, expect, test } from "vitest";
import { imageNames, images } from "../../contract/names.ts";
import { explainVolumeShadows, findVolumeShadows } from "../../contract/volume-shadow.ts";

const agents = Object.keys(images.agents);

describe("no shadow falls", () => {
  test.each(imageNames)("on %s with the contract's VOLUMEs", (image) => {
    expect(findVolumeShadows(image, Object.keys(images[image]))).toEqual([]);
  });

  test("on an image that declares fewer, or none: the named volume is mounted all the same", () => {
    expect(findVolumeShadows("agents", ["/home/agent/data"])).toEqual([]);
    expect(findVolumeShadows("agents", [])).toEqual([]);
  });

  test.each(["/home/agent/data/", "/home/agent/./data", "//home//agent/data/.", "/home/agent/x/../data"])(
    "on %s, which is a path of the contract",
    (path) => {
      expect(findVolumeShadows("agents", [path])).toEqual([]);
    },
  );

  test("on the state that the edge has mounted", () => {
    expect(findVolumeShadows("edge", ["/data", "/srv/factory/state"])).toEqual([]);
  });
});

describe("a shadow falls on a VOLUME", () => {
  test("nobody knows", () => {
    expect(findVolumeShadows("agents", [...agents, "/var/cache/"])).toEqual([{ kind: "unknown", path: "/var/cache" }]);
  });

  test("above a mounted path", () => {
    const of = ["/home/agent/disinto/projects", "/home/agent/disinto/state"];
    expect(findVolumeShadows("agents", ["/home/agent/disinto"])).toEqual([
      { kind: "parent", path: "/home/agent/disinto", of },
    ]);
    expect(findVolumeShadows("edge", ["/"])).toEqual([
      { kind: "parent", path: "/", of: ["/data", "/srv/factory/state"] },
    ]);
  });

  test("inside a mounted path", () => {
    expect(findVolumeShadows("agents", [...agents, "/home/agent/data/cache"])).toEqual([
      { kind: "nested", path: "/home/agent/data/cache", within: "/home/agent/data" },
    ]);
  });

  test("with the beginning of a mounted path's name, which is not inside it", () => {
    expect(findVolumeShadows("edge", ["/data", "/database"])).toEqual([{ kind: "unknown", path: "/database" }]);
  });

  test.each([
    ["/home/agent/state", "/home/agent/disinto/state"],
    ["/home/agents/data", "/home/agent/data"],
    ["/home/agent/repo", "/home/agent/repos"],
  ])("that moved: %s for %s", (path, from) => {
    expect(findVolumeShadows("agents", [...agents.filter((other) => other !== from), path])).toEqual([
      { kind: "moved", path, from },
    ]);
  });

  test("that did not move, as the contract's path is there too", () => {
    expect(findVolumeShadows("agents", [...agents, "/home/agent/state"])).toEqual([
      { kind: "unknown", path: "/home/agent/state" },
    ]);
  });

  test("that is not absolute: Docker makes an anonymous volume whatever is mounted", () => {
    expect(findVolumeShadows("edge", ["data"])).toEqual([{ kind: "moved", path: "data", from: "/data" }]);
  });

  test("of the agents alone: reproduce has no state", () => {
    expect(findVolumeShadows("reproduce", ["/home/agent/disinto/state"])).toEqual([
      { kind: "unknown", path: "/home/agent/disinto/state" },
    ]);
  });
});

describe("the error", () => {
  const reference = `ghcr.io/disinto/agents:v0.2.0@sha256:${"2".repeat(64)}`;
  const running = `ghcr.io/disinto/agents:v0.1.1@sha256:${"1".repeat(64)}`;
  const refused = (declared: string[]) => ({
    image: "agents" as const,
    stack: "prod",
    reference,
    shadows: findVolumeShadows("agents", declared),
  });

  test("names image, digest, every path, what would happen, and the two ways out", () => {
    const declared = ["/home/agent/data/cache", "/home/agent", "/home/agent/state", "/var/cache"];
    expect(explainVolumeShadows({ ...refused(declared), running })).toMatchInlineSnapshot(`
      "The image ghcr.io/disinto/agents:v0.2.0@sha256:2222222222222222222222222222222222222222222222222222222222222222 declares a VOLUME that no data volume of the factory lies over:
        /home/agent/data/cache: lies inside /home/agent/data
          What the volume agent-data holds there would be hidden, and what is written there stays behind in an anonymous volume when the container is replaced next.
        /home/agent: lies above /home/agent/data, /home/agent/repos, /home/agent/disinto/projects, /home/agent/disinto/state
          What is written there, beside what is mounted, stays behind in an anonymous volume when the container is replaced next.
        /home/agent/state: nothing is mounted there; moved? The contract's path is /home/agent/disinto/state
          The data in the volume state would not be found there, and what is written there stays behind in an anonymous volume when the container is replaced next.
        /var/cache: nothing is mounted there
          What is written there stays behind in an anonymous volume when the container is replaced next.
        fix: let its Dockerfile declare VOLUME /home/agent/data /home/agent/repos /home/agent/disinto/projects /home/agent/disinto/state and nothing else, and build it as a new version
        or:  stay on what runs: ./factory pulumi -- config set --stack prod disinto:agentsImage ghcr.io/disinto/agents:v0.1.1@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    `);
  });

  test("goes to another version where none runs, or the refused one", () => {
    const set = "./factory pulumi -- config set --stack prod disinto:agentsImage <version>";
    const way = `or:  go to a version that fits: ${set} (./factory rollback --stack prod --list shows what ran here)`;
    expect(explainVolumeShadows(refused(["/x"]))).toContain(way);
    expect(explainVolumeShadows({ ...refused(["/x"]), running: reference })).toContain(way);
  });

  test("goes back to the sources where what runs was built here", () => {
    expect(explainVolumeShadows({ ...refused(["/x"]), running: "build:../disinto" })).toContain(
      "or:  go back to the sources of what runs (build:../disinto), then ./factory up --stack prod",
    );
  });
});
