import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentNames, type ImageName, volumes } from "../../components/contract.ts";
import { dockerHost, type Outcome, TestFactory } from "./harness.ts";

let factory: TestFactory;
const up = () => factory.factory("up", ["--yes"]);

beforeAll(async () => {
  factory = await TestFactory.create();
  const first = await up();
  expect(first.exitCode, first.all).toBe(0);
  await writeData(factory);
});

afterAll(() => factory.dispose());

/** What must stay as it is: containers, their health, and the data. */
async function running(of: TestFactory) {
  const containers = await Promise.all(componentNames.map((component) => of.inspect(component)));
  const data = await Promise.all(volumes.map((volume) => of.onVolume(volume, "busybox cat /v/kept")));
  return { containers: containers.map(({ Id, State }) => ({ Id, health: State.Health?.Status })), data };
}

async function writeData(of: TestFactory): Promise<void> {
  for (const volume of volumes) await of.onVolume(volume, `echo ${volume} > /v/kept`);
}

async function expectNoChanges(up: () => Promise<Outcome>): Promise<void> {
  expect((await up()).all).toContain("no changes.");
}

describe("an image that is built here", () => {
  /** Another content of a file of the project, while `during` runs. */
  async function withChange(
    name: string,
    change: (text: string) => string,
    during: () => Promise<void>,
  ): Promise<void> {
    const file = join(factory.directory, name);
    const before = readFileSync(file, "utf8");
    writeFileSync(file, change(before));
    try {
      await during();
    } finally {
      writeFileSync(file, before);
    }
  }

  const withLine = (image: ImageName, line: string, during: () => Promise<void>) =>
    withChange(`tiny/docker/${image}/Dockerfile`, (text) => `${text}${line}\n`, during);

  test("with a VOLUME of the contract alone runs, and a second up says no changes", async () => {
    await expectNoChanges(up);
  });

  test("with another VOLUME is built, and refused before anything running is touched", async () => {
    const before = await running(factory);
    await withLine("edge", "VOLUME /home/agent/state", async () => {
      const refused = await up();
      expect(refused.exitCode).toBe(1);
      expect(refused.all).toMatch(/The image build:tiny, sha256:[0-9a-f]{64}, declares a VOLUME/);
      expect(refused.all).toContain("/home/agent/state: nothing is mounted there");
      expect(refused.all).toContain("Nothing that runs was touched.");
      expect(await running(factory)).toEqual(before);
    });
    const back = await up();
    expect(back.exitCode, back.all).toBe(0);
    await expectNoChanges(up);
    expect(await running(factory)).toEqual(before);
  });

  test("is refused by plain pulumi too, from wherever it is called", async () => {
    const before = await running(factory);
    await withLine("reproduce", "VOLUME /home/agent", async () => {
      const refused = await factory.plain("cd test && pulumi up --stack test --yes --skip-preview");
      expect(refused.exitCode).not.toBe(0);
      expect(refused.all).toContain("/home/agent: lies above /home/agent/data, /home/agent/repos");
      expect(await running(factory)).toEqual(before);
    });
  });

  test("in a container with other mounts than the contract's makes up fail, until they are right", async () => {
    const { Id } = await factory.inspect("edge");
    const writable = (text: string) => text.replace("readOnly: true,", "");
    await withChange("components/edge.ts", writable, async () => {
      const failed = await up();
      expect(failed.exitCode, failed.all).toBe(1);
      expect(failed.all).toContain(`The container ${factory.containerName("edge")} has other volumes`);
      expect(failed.all).toContain(`/srv/factory/state: the volume ${factory.volumeName("state")} is writable there`);
      expect((await factory.inspect("edge")).Id).not.toBe(Id);
    });
    const right = await up();
    expect(right.exitCode, right.all).toBe(0);
    await expectNoChanges(up);
  });
});

describe("a container with an anonymous volume", () => {
  test("is found, whatever it came from", async () => {
    const { Image: image, Id: id } = await factory.inspect("reproduce");
    const asked = {
      GATE_FACTORY: factory.name,
      GATE_STACK: "test",
      GATE_COMPONENT: "reproduce",
      GATE_PIDS: "64",
      GATE_RUN: "task",
    };
    const gate = (container: string) =>
      factory.plain("node cli/gate.ts finish", { ...asked, DOCKER_HOST: dockerHost, GATE_CONTAINER: container });
    expect(await gate(id)).toMatchObject({ exitCode: 0, all: "" });
    const named = `--volume=${factory.volumeName("agent-data")}:/home/agent/data`;
    const stray = await factory.docker("create", named, "--volume=/cache", image);
    const refused = await gate(stray);
    await factory.docker("rm", "--volumes", stray);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/\/cache: an anonymous volume \([0-9a-f]{12}\)/);
    expect(refused.stderr).toMatch(/\/home\/agent\/repos: an anonymous volume .* not the volume e2e-\w+_project-repos/);
  });
});
