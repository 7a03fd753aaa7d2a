import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, volumes } from "../../contract/names.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

const repository = mkdtempSync(join(tmpdir(), "factory-snapshots-"));
const password = "canary-snapshot-password-1177";

let registry: TestRegistry;
let factory: TestFactory;

/** v0.2.0 writes another format of the data. */
beforeAll(async () => {
  registry = await TestRegistry.start();
  for (const image of imageNames) {
    for (const [version, format] of [
      ["v0.1.0", 1],
      ["v0.2.0", 2],
    ] as const) {
      const change = (dockerfile: string) => `${dockerfile}LABEL io.disinto.data-format=${format}\n`;
      await registry.push(image, version, "1", { change });
    }
  }
  factory = await TestFactory.create();
  const { server, namespace, username } = registry;
  await factory.configure({ build: undefined, registry: { server, namespace, username }, release: "v0.1.0" });
  await setSecret("registryToken", registry.password);
  await setSecret("snapshotPassword", password);
  await plain(`pulumi config set --stack test --path disinto:snapshots.repository ${repository}`);
  await succeeds(up());
  await write("then");
  await set("v0.2.0");
  const upgrade = await succeeds(up());
  expect((await listed()).map(({ why }) => why)).toEqual(["before v0.2.0"]);
  expect(upgrade.all).not.toContain(password);
  await expectData("then");
  await write("now");
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
  rmSync(repository, { recursive: true, force: true });
});

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const run = (verb: string, ...args: string[]) => factory.factory(verb, args, trusting());
const up = () => run("up", "--yes");
const set = (release: string) => plain(`pulumi config set --stack test disinto:release ${release}`);
const plain = (script: string) => succeeds(factory.plain(script, trusting()));

async function setSecret(key: string, value: string): Promise<void> {
  await succeeds(factory.plain(`pulumi config set --stack test --secret disinto:${key}`, trusting(), value));
}

async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}

async function write(text: string): Promise<void> {
  for (const volume of volumes) await factory.onVolume(volume, `echo ${text} > /v/data; echo ${text} > /v/${text}`);
}

/** Every volume has what was written then, and nothing that was written at another time. */
async function expectData(text: string): Promise<void> {
  for (const volume of volumes) expect(await factory.onVolume(volume, "busybox cat /v/data")).toBe(text);
}

async function expectRunning(version: string): Promise<void> {
  const { Config, State } = await factory.inspect("agents");
  expect(Config.Labels["org.opencontainers.image.version"]).toBe(version);
  expect(State.Health?.Status).toBe("healthy");
  expect((await succeeds(up())).all).toContain("no changes.");
}

interface Listed {
  id: string;
  why: string;
}

async function listed(): Promise<Listed[]> {
  return JSON.parse((await succeeds(run("snapshots", "--json"))).stdout);
}

describe("going back to a version that reads an older format of the data", () => {
  test("is refused with the choice spelled out, by plain pulumi too", async () => {
    const { Id } = await factory.inspect("agents");
    const refused = await run("rollback", "--yes");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      "reads data of format 1 (label io.disinto.data-format); the one that runs has written format 2.",
    );
    expect(refused.stderr).toContain("./factory rollback --stack test --restore");
    await set("v0.1.0");
    const pulumi = await factory.plain("pulumi up --stack test --yes --skip-preview", trusting());
    expect(pulumi.exitCode).not.toBe(0);
    expect(pulumi.all).toContain("./factory rollback --stack test --keep-data");
    expect((await factory.inspect("agents")).Id).toBe(Id);
    await set("v0.2.0");
    await succeeds(up());
    expect((await factory.inspect("agents")).Id).toBe(Id);
    await expectRunning("v0.2.0");
  });

  test("brings the data of then back with --restore", async () => {
    await succeeds(run("rollback", "--restore", "--yes"));
    await expectRunning("v0.1.0");
    await expectData("then");
    for (const volume of volumes) expect(await factory.onVolume(volume, "busybox ls /v")).not.toMatch(/^now$/m);
  });

  test("goes on with the data of now with --keep-data", async () => {
    await set("v0.2.0");
    await succeeds(up());
    await write("now");
    await succeeds(run("rollback", "--keep-data", "--yes"));
    await expectRunning("v0.1.0");
    await expectData("now");
  });
});

describe("delete-data", () => {
  test("refuses what is in use, and wants the factory's name", async () => {
    const used = await run("delete-data", "--confirm", factory.name);
    expect(used.exitCode).toBe(1);
    expect(used.stderr).toContain("First: ./factory destroy --stack test");
    await succeeds(run("destroy", "--yes"));
    for (const args of [[], ["--confirm", "another"]]) {
      const refused = await run("delete-data", ...args);
      expect(refused.exitCode).toBe(2);
      for (const volume of volumes) expect(refused.stdout).toContain(factory.volumeName(volume));
    }
    expect(await factory.leftovers()).toEqual(volumes.map((volume) => factory.volumeName(volume)).sort());
  });

  test("takes a last snapshot, which brings the data back", async () => {
    const deleted = await succeeds(run("delete-data", "--confirm", factory.name));
    expect(deleted.stdout).toContain("Snapshot ");
    expect(await factory.leftovers()).toEqual([]);
    const last = (await listed()).find(({ why }) => why === "before delete-data");
    await succeeds(up());
    await succeeds(run("restore", last?.id ?? "", "--yes"));
    await expectData("now");
    await expectRunning("v0.1.0");
  });
});

describe("the password of the snapshots", () => {
  test("is in no state and in no container", async () => {
    const state = await plain("pulumi stack export --stack test");
    expect(state.stdout).toContain(factory.name);
    expect(state.all).not.toContain(password);
    for (const component of ["agents", "runner", "reproduce", "edge"] as const) {
      expect(JSON.stringify(await factory.inspect(component))).not.toContain(password);
    }
  });
});
