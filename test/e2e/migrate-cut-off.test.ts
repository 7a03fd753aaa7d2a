import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Migration, pushRelease } from "./migration.ts";
import { TestRegistry } from "./registry.ts";

let registry: TestRegistry;
let migration: Migration;

beforeAll(async () => {
  registry = await TestRegistry.start();
  await pushRelease(registry);
  await pushRelease(registry, "v0.1.2", "sick");
  migration = await Migration.prepare(registry, { compose: "v2" });
  await migration.data.giveToAgents();
});

afterAll(async () => {
  await migration?.dispose();
  await registry?.dispose();
});

describe("what fails before anything is stopped leaves all as it is", () => {
  test("an image that does not become healthy", async () => {
    const outcome = await migration.migrate(...migration.flagsFor("v0.1.2"), "--apply", "--yes");
    expect(outcome.exitCode).toBe(1);
    expect(outcome.all).toContain("agents-canary");
    expect(outcome.all).toContain("The old deployment was not touched.");
    expect(outcome.all).toMatch(/error: (canary-failed|pulumi-failed) /);
    await migration.expectUntouched();
  });

  test("a token that the registry refuses", async () => {
    const wrong = { REGISTRY_READ_TOKEN: "canary0wrong0token" };
    const outcome = await migration.factory.factory("migrate", [...migration.flags, "--apply", "--yes"], {
      ...migration.environment,
      ...wrong,
    });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.all).toContain("The old deployment was not touched.");
    expect(outcome.all).not.toContain(wrong.REGISTRY_READ_TOKEN);
    await migration.expectUntouched();
  });
});

describe("kill -9 of all, and one command that goes back", () => {
  test.each([
    ["as the config is written", /Write Pulumi/],
    ["as images are pulled", /RemoteImage agents-image creating/],
    ["while a canary runs", /agents-canary creating/],
  ])("%s: nothing was touched", async (_, moment) => {
    await migration.killAt(moment);
    await migration.expectUntouched();
    await migration.undo();
    await migration.expectOld();
    expect(await migration.leftovers()).toEqual([]);
  });

  test.each([
    ["as the old containers are stopped", /Stop the old containers/],
    ["as the volumes are snapshotted", /Snapshot the data volumes/],
    ["as a directory is copied", /Copy /],
    ["as the volumes are taken over", /docker:index:Volume .* creat/],
    ["as the containers are made", /docker:index:Container agents creating/],
  ])("%s", async (_, moment) => {
    await migration.killAt(moment);
    const again = await migration.migrate("--from", migration.deployment.directory);
    expect(again.exitCode).toBe(1);
    expect(again.all).toContain("error: migration-cut-off");
    await migration.undo();
    await migration.expectOld();
    await migration.expectDataBack([]);
    expect(await migration.leftovers()).toEqual([]);
  });
});

describe("kill -9 of all, and one command that goes on", () => {
  test("as the last directory is copied; then the undo is killed as well, and goes on", async () => {
    await migration.killAt(/Copy \S+state/);
    await migration.apply();
    await migration.expectData();
    await migration.expectFactory();
    await migration.killAt(/Bring back \S+state/, "--undo");
    await migration.undo();
    await migration.expectOld();
    await migration.expectDataBack([]);
  });

  test("as the factory is about to be healthy; at the same time somebody migrates the same to another stack", async () => {
    await migration.killAt(/agents-finish creating/);
    const another = migration.migrate("--stack", "another", ...migration.flags, "--apply", "--yes");
    await migration.apply();
    expect((await another).exitCode, (await another).all).toBe(2);
    expect((await another).all).toContain(`There is a factory ${migration.deployment.project} on this host already.`);
    await migration.expectData();
    await migration.expectFactory();
    const done = await migration.migrate("--from", migration.deployment.directory, "--apply", "--yes");
    expect(done.all).toContain("error: migration-done");
    // Somebody has started an old container, which writes to a directory that the data is to go back to.
    const [{ id: old } = { id: "" }] = await migration.deployment.containers("agents");
    await migration.factory.docker("start", old);
    const refused = await migration.migrate("--undo");
    expect(refused.all).toContain("error: data-in-use");
    await migration.expectFactory();
    await migration.factory.docker("stop", old);
    await migration.undo();
    await migration.expectOld();
    await migration.expectDataBack([]);
  });
});

test("Ctrl-C while the old containers are stopped goes back by itself", async () => {
  const outcome = await migration.interruptAt(/Snapshot the data volumes/);
  expect(outcome).toContain("The old deployment runs again.");
  expect(outcome).toContain("error: cancelled");
  await migration.expectOld();
  await migration.expectDataBack([]);
});
