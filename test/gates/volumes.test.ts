import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { images, labelKeys } from "../../contract/names.ts";
import { checkVolumes } from "../../gates/volumes.ts";
import { address, host } from "../host/fake-docker.ts";

vi.mock("../../host/docker.ts", async () => (await import("../host/fake-docker.ts")).dockerCommands);

const volumes = Object.keys(images.agents);
const reference = "ghcr.io/disinto/agents:v0.2.0";
const old = "ghcr.io/disinto/agents:v0.1.0";

beforeEach(() => host.reset());
afterEach(() => {
  vi.unstubAllEnvs();
});

function checking(image = "agents"): Promise<void> {
  return checkVolumes(address, { factory: "acme", stack: "prod", image, reference, id: "sha256:new" });
}

async function refusal(): Promise<{ code: string; lines: string[] }> {
  const { code, message } = await checking().catch((error) => error);
  return { code, lines: message.split("\n") };
}

describe("an image may go on", () => {
  test("whose VOLUMEs are the contract's", async () => {
    host.image("sha256:new", { volumes });
    await expect(checking()).resolves.toBeUndefined();
  });

  test("that has fewer, or none: the data volumes are mounted all the same", async () => {
    host.image("sha256:new", { volumes: [] });
    await expect(checking()).resolves.toBeUndefined();
  });

  test("whose VOLUMEs end in a slash", async () => {
    host.image("sha256:new", { volumes: volumes.map((path) => `${path}/`) });
    await expect(checking()).resolves.toBeUndefined();
  });

  test("that is the edge's, with the path where it reads the agents' state", async () => {
    host.image("sha256:new", { volumes: ["/data", "/srv/factory/state"] });
    await expect(checking("edge")).resolves.toBeUndefined();
  });
});

describe("an image is refused", () => {
  test("with a VOLUME that no data volume lies over, and what runs may stay", async () => {
    host.image("sha256:new", { volumes: [...volumes, "/cache"] });
    host.container("acme-agents", { labels: { [labelKeys.image]: old } });
    expect(await refusal()).toEqual({
      code: "volume-uncovered",
      lines: [
        `The image ${reference} declares a VOLUME that no data volume of the factory lies over:`,
        "  /cache: nothing is mounted there",
        "    What is written there stays behind in an anonymous volume when the container is replaced next.",
        `  fix: let its Dockerfile declare VOLUME ${volumes.join(" ")} and nothing else, and build it as a new version`,
        `  or:  stay on what runs: ./factory pulumi -- config set --stack prod disinto:agentsImage ${old}`,
        "Nothing that runs was touched.",
      ],
    });
    expect(host.commands).toEqual([]);
  });

  test("whose data has moved, and another version is the way out where nothing runs", async () => {
    host.image("sha256:new", { volumes: volumes.map((path) => path.replace("/home/agent/data", "/var/lib/data")) });
    const { lines } = await refusal();
    expect(lines.slice(1, 3)).toEqual([
      "  /var/lib/data: nothing is mounted there; moved? The contract's path is /home/agent/data",
      "    The data in the volume agent-data would not be found there, and what is written there stays behind in an anonymous volume when the container is replaced next.",
    ]);
    expect(lines.at(-2)).toMatch(/^ {2}or: {2}go to a version that fits: .* disinto:agentsImage <version> /);
  });

  test("that is gone from the host since it was pulled", async () => {
    await expect(checking()).rejects.toMatchObject({
      code: "gone-meanwhile",
      message: `There is no image sha256:new on ${address} any more. Try again: ./factory up`,
    });
  });

  test("that cannot read what the one that runs has written, before its VOLUMEs are looked at", async () => {
    host.image("sha256:new", { volumes: ["/cache"], labels: { [labelKeys.dataFormat]: "1" } });
    host.container("acme-agents", { labels: { [labelKeys.dataFormat]: "2" } });
    expect(await refusal()).toMatchObject({ code: "data-format-older" });
  });
});
