import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, volumes } from "../../contract/names.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

let registry: TestRegistry;
let factory: TestFactory;
const digests: Record<string, string> = {};

beforeAll(async () => {
  registry = await TestRegistry.start();
  for (const version of ["v0.1.0", "v0.1.1", "v0.2.0"]) {
    for (const image of imageNames) digests[`${image}:${version}`] = await registry.push(image, version);
  }
  factory = await TestFactory.create();
  const { server, namespace, username, password } = registry;
  await factory.configure({ build: undefined, registry: { server, namespace, username }, keepReleases: 2 });
  await pulumi(`printf %s ${password} | pulumi config set --stack test --secret disinto:registryToken`);
  await set("release", "v0.1.1");
  await succeeds(up());
  for (const volume of volumes) await factory.onVolume(volume, `echo ${volume} > /v/kept`);
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
});

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const up = () => factory.factory("up", ["--yes"], trusting());
const rollback = (...args: string[]) => factory.factory("rollback", args, trusting());
const pulumi = (script: string) => succeeds(factory.plain(script, trusting()));
const set = (key: string, value: string) => pulumi(`pulumi config set --stack test disinto:${key} ${value}`);

async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  expect(outcome.all).not.toContain(registry.password);
  return outcome;
}

/** Agents and runner run this digest, the data is there, and another `up` has nothing to do. */
async function expectRunning(version: string, digest = digests[`agents:${version}`]): Promise<void> {
  for (const component of ["agents", "runner"] as const) {
    const { Config, Image } = await factory.inspect(component);
    expect(Config.Labels["org.opencontainers.image.version"]).toBe(version);
    expect(await factory.digestsOf(Image)).toContain(`${registry.server}/${registry.namespace}/agents@${digest}`);
  }
  for (const volume of volumes) expect(await factory.onVolume(volume, "busybox cat /v/kept")).toBe(volume);
  expect((await succeeds(up())).all).toContain("no changes.");
}

/** Lines of the stack's file that are not as committed, with + and -. */
async function changedLines(): Promise<string[]> {
  const diff = await factory.git("diff", "--unified=0", "Pulumi.test.yaml");
  return diff.split("\n").filter((line) => /^[+-] /.test(line));
}

const commit = () => factory.git("commit", "--quiet", "--all", "--message=What runs");

interface Destination {
  version: string;
  running: boolean;
  images: Record<string, { digest: string | null; local: boolean }>;
}

async function destinations(): Promise<Destination[]> {
  return JSON.parse((await succeeds(rollback("--json"))).stdout);
}

describe("a rollback", () => {
  test("with nothing to go back to says so, and changes nothing", async () => {
    const outcome = await rollback("--yes");
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain("There is no version to go back to. Versions stack test can go to:");
    const unknown = await rollback("v9.9.9", "--yes");
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain("v9.9.9 was never healthy here.");
    await expectRunning("v0.1.1");
  });

  test("goes to the version before, by one config value", async () => {
    await set("release", "v0.2.0");
    await succeeds(up());
    await expectRunning("v0.2.0");
    await commit();
    const back = await succeeds(rollback("--yes"));
    expect(back.stdout).toContain("disinto:release: v0.2.0 -> v0.1.1");
    expect(back.stdout).toContain("on the host");
    expect(await changedLines()).toEqual(["-  disinto:release: v0.2.0", "+  disinto:release: v0.1.1"]);
    await expectRunning("v0.1.1");
  });

  test("to what runs already is refused, and nobody is asked without a terminal", async () => {
    const same = await rollback("v0.1.1", "--yes");
    expect(same.exitCode).toBe(1);
    expect(same.stderr).toContain("runs v0.1.1 already");
    const unasked = await rollback();
    expect(unasked.exitCode).toBe(2);
    expect(unasked.stderr).toContain("./factory rollback --stack test --yes");
    await expectRunning("v0.1.1");
  });

  test("goes to a local version with the registry down", async () => {
    await commit();
    await registry.stop();
    const back = await succeeds(rollback("v0.2.0", "--yes"));
    expect(back.stdout).toContain("cannot be reached");
    await expectRunning("v0.2.0");
    await registry.restart();
    for (const image of imageNames) await pulumi(`pulumi config rm --stack test disinto:${image}Image`);
    expect(await changedLines()).toEqual(["-  disinto:release: v0.1.1", "+  disinto:release: v0.2.0"]);
    await expectRunning("v0.2.0");
  });

  test("goes to the digest that ran before its tag was moved", async () => {
    const before = digests["agents:v0.2.0"];
    digests["agents:v0.2.0"] = await registry.push("agents", "v0.2.0", "2");
    await succeeds(up());
    await expectRunning("v0.2.0");
    await commit();
    const back = await succeeds(rollback("--yes"));
    expect(back.stdout).toContain("The tag of agents has moved in the registry: pinned by digest.");
    const reference = `${registry.server}/${registry.namespace}/agents:v0.2.0@${before}`;
    expect(await changedLines()).toEqual([`+  disinto:agentsImage: ${reference}`]);
    await expectRunning("v0.2.0", before);
    await succeeds(rollback(digests["agents:v0.2.0"]?.slice(7, 19) ?? "", "--yes"));
    expect(await changedLines()).toEqual([]);
    await expectRunning("v0.2.0");
  });
});

describe("releases that are not among the last", () => {
  test("leave the host, and are pulled again by a rollback to them", async () => {
    const images = async () => (await factory.docker("images", "--digests", "--no-trunc")).split("\n");
    const of = (digest: string | undefined, lines: string[]) => lines.filter((line) => line.includes(digest ?? "?"));
    expect(of(digests["agents:v0.1.1"], await images())).toEqual([]);
    expect(of(digests["agents:v0.2.0"], await images())).not.toEqual([]);
    const old = (await destinations()).find(({ version }) => version === "v0.1.1");
    expect(old).toMatchObject({ running: false, images: { agents: { digest: null, local: false } } });
    const back = await succeeds(rollback("v0.1.1", "--yes"));
    expect(back.stdout).toContain("to be pulled");
    await expectRunning("v0.1.1");
  });
});

describe("plain pulumi", () => {
  test("goes forward and back by the config value, and ./factory rollback knows of it", async () => {
    for (const version of ["v0.1.0", "v0.1.1"]) {
      await set("release", version);
      await pulumi("pulumi up --stack test --yes --skip-preview");
      await pulumi("pulumi up --stack test --yes --skip-preview --expect-no-changes");
      await expectRunning(version);
    }
    await succeeds(rollback("--yes"));
    await expectRunning("v0.1.0");
  });
});

describe("the history", () => {
  test("says who changed what to which version when", async () => {
    const { stdout } = await succeeds(factory.factory("history", ["--json"]));
    const events = JSON.parse(stdout);
    expect(events[0]).toMatchObject({ what: "up", result: "succeeded", changes: [] });
    const change = { key: "release", before: "v0.1.1", after: "v0.1.0" };
    expect(events[1]).toMatchObject({ what: "rollback to v0.1.0", changes: [change] });
    expect(events[1].who).toMatch(/^\w+@\S+$/);
    expect(events.at(-1).changes).toContainEqual({ key: "release", before: null, after: "v0.1.1" });
    expect(events.some(({ what, who }: { what: string; who: string }) => what === "update" && who === "e2e")).toBe(
      true,
    );
    expect((await factory.factory("history")).stdout).toContain("release: v0.1.1 -> v0.1.0");
  });
});

describe("the stack's file", () => {
  test("keeps its other lines through all of it", () => {
    const text = readFileSync(join(factory.directory, "Pulumi.test.yaml"), "utf8");
    expect(text).toMatch(/disinto:keepReleases: "?2"?\n/);
    expect(text).toMatch(/disinto:registryToken:\n\s+secure: /);
  });
});
