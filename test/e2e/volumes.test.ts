import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentNames, type ImageName, volumes } from "../../components/contract.ts";
import { type Outcome, TestFactory } from "./harness.ts";

let factory: TestFactory;

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
  const up = () => factory.factory("up", ["--yes"]);

  beforeAll(async () => {
    factory = await TestFactory.create();
    const first = await up();
    expect(first.exitCode, first.all).toBe(0);
    await writeData(factory);
  });

  afterAll(() => factory.dispose());

  /** Appends to the Dockerfile of an image while `during` runs. */
  async function withLine(image: ImageName, line: string, during: () => Promise<void>): Promise<void> {
    const file = join(factory.directory, "tiny/docker", image, "Dockerfile");
    const before = readFileSync(file, "utf8");
    appendFileSync(file, `${line}\n`);
    await during();
    writeFileSync(file, before);
  }

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
});
