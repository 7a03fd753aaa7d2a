import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ComposeOptions } from "./compose.ts";
import { Migration, pushRelease } from "./migration.ts";
import { TestRegistry } from "./registry.ts";

let registry: TestRegistry;
let migration: Migration;

beforeAll(async () => {
  registry = await TestRegistry.start();
  await pushRelease(registry);
});

afterEach(() => migration.dispose());
afterAll(() => registry.dispose());

/** There, with new writes, and back: everything is where it should be each time. */
async function thereAndBack(...flags: string[]): Promise<void> {
  const { deployment, factory } = migration;
  await migration.apply(...flags);
  await migration.expectData();
  await migration.expectFactory();
  await factory.docker(
    "exec",
    `${deployment.project}-agents`,
    "/bin/busybox",
    "sh",
    "-c",
    "echo new > /home/agent/data/new",
  );

  await migration.undo();
  await migration.expectOld();
  await migration.expectDataBack();
  const agents = (await deployment.containers("agents"))[0]?.id ?? "";
  expect(await factory.docker("exec", agents, "/bin/busybox", "cat", "/home/agent/data/new")).toBe("new");
}

const built = (options: Omit<ComposeOptions, "pulled">) => Migration.prepare(registry, options);

test("v1, built, in a project with a name of its own", async () => {
  migration = await built({ compose: "v1", projectName: `e2e-shop-${process.pid}` });
  const plan = await migration.migrate(...migration.flags);
  expect(plan.exitCode, plan.all).toBe(0);
  expect(plan.all).toContain(`e2e-shop-${process.pid}_agent-data stays where it is`);
  await migration.expectUntouched();
  await thereAndBack();
});

test("v1, built, in directories, with secrets that nobody else sees", async () => {
  migration = await built({ compose: "v1", data: "directories", variables: { ANTHROPIC_API_KEY: "canary0model0key" } });
  const { factory, deployment } = migration;
  const unanswered = await migration.migrate("--from", deployment.directory, "--apply", "--yes");
  expect(unanswered.exitCode).toBe(2);
  expect(unanswered.all).toContain("Which version is the factory to run?");
  await migration.expectUntouched();
  await thereAndBack();
  // Nothing of it is written down but encrypted.
  const written = readdirSync(join(factory.directory, ".factory/migrations")).map((name) =>
    readFileSync(join(factory.directory, ".factory/migrations", name), "utf8"),
  );
  const stackFile = readFileSync(join(factory.directory, "Pulumi.test.yaml"), "utf8");
  for (const secret of ["canary0model0key", deployment.forgeToken, registry.password]) {
    expect([...written, stackFile].join("\n")).not.toContain(secret);
  }
});

test("v2, pulled, with hired agents", async () => {
  migration = await Migration.prepare(registry, {
    compose: "v2",
    pulled: { registry, version: "v0.1.1" },
    hired: ["nia", "tom"],
  });
  const { deployment, factory } = migration;
  const plan = await migration.migrate("--from", deployment.directory, "--json");
  expect(plan.exitCode).toBe(2);
  const { questions, config } = JSON.parse(plan.stdout);
  expect(config).toMatchObject({ release: "v0.1.1", agents: { hired: { nia: { model: { name: "local" } } } } });
  expect(questions).toHaveLength(2);
  await thereAndBack("--data", "agents-nia-state=empty", "--data", "agents-tom-state=empty");
  expect(
    await factory.docker("volume", "ls", "--quiet", `--filter=name=${deployment.project}_agents-nia-data`),
  ).not.toBe("");
});

test("v2, built, in volumes that nobody named", async () => {
  migration = await built({ compose: "v2", data: "anonymous" });
  const plan = await migration.migrate(...migration.flags);
  expect(plan.exitCode).toBe(2);
  await migration.expectUntouched();
  // What is offered for each of them first is where the container has it.
  const answers = [...plan.all.matchAll(/Where is its data\?\n\s+(--data) (\S+=\S+)/g)].flatMap(([, flag, place]) => [
    flag,
    place,
  ]);
  expect(answers).toHaveLength(2 * 4);
  await thereAndBack(...(answers as string[]));
});

test("v2, pulled, in volumes of another prefix", async () => {
  migration = await Migration.prepare(registry, {
    compose: "v2",
    pulled: { registry, version: "v0.1.1" },
    volumePrefix: `e2e-other-${process.pid}`,
  });
  await thereAndBack();
});

test("two projects on one host: the other is left alone", async () => {
  const other = await Migration.prepare(registry, { compose: "v1" });
  try {
    migration = await built({ compose: "v2", data: "directories" });
    await thereAndBack();
    await other.expectUntouched();
    await other.expectDataBack([]);
  } finally {
    await other.dispose();
  }
});
