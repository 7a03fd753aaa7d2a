import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, volumes } from "../../contract/names.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

let registry: TestRegistry;
let factory: TestFactory;
const digests: Record<string, string> = {};

beforeAll(async () => {
  registry = await TestRegistry.start();
  for (const version of ["v0.1.1", "v0.2.0"]) {
    for (const image of imageNames) digests[`${image}:${version}`] = await registry.push(image, version);
  }
  factory = await TestFactory.create({ build: undefined, registry: registryConfig() });
  await configure("v0.1.1");
  await setSecret("registryToken", registry.password);
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
});

const registryConfig = () => ({
  server: registry.server,
  namespace: registry.namespace,
  username: registry.username,
});

function configure(release: string): Promise<void> {
  return factory.configure({ build: undefined, registry: registryConfig(), release });
}

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });

function setSecret(key: string, value: string): Promise<Outcome> {
  return factory.plain(`printf %s '${value}' | pulumi config set --stack test --secret disinto:${key}`, trusting());
}

const set = (release: string) => factory.plain(`pulumi config set --stack test disinto:release ${release}`, trusting());
const up = () => factory.factory("up", ["--yes"], trusting());

async function expectRunning(version: string): Promise<void> {
  for (const component of ["agents", "runner"] as const) {
    const { Config, Image } = await factory.inspect(component);
    expect(Config.Labels["org.opencontainers.image.version"]).toBe(version);
    expect(await factory.digestsOf(Image)).toContain(
      `${registry.server}/${registry.namespace}/agents@${digests[`agents:${version}`]}`,
    );
  }
  const container = factory.containerName("agents");
  expect((await factory.docker("exec", container, "busybox", "cat", "/home/agent/disinto/state/version")).trim()).toBe(
    version,
  );
}

describe("a release", () => {
  test("is pulled with the stack's token over TLS, and runs by its digest", async () => {
    const first = await up();
    expect(first.exitCode, first.all).toBe(0);
    expect(first.all).not.toContain(registry.password);
    await expectRunning("v0.1.1");
    expect((await up()).all).toContain("no changes.");
  });

  test("moves by one config value, forward and back, and the data stays", async () => {
    for (const volume of volumes) await factory.onVolume(volume, `echo ${volume} > /v/kept`);
    await set("v0.2.0");
    const preview = await factory.plain("pulumi preview --stack test --diff", trusting());
    expect(preview.all).toContain(digests["agents:v0.1.1"]);
    expect(preview.all).toContain(digests["agents:v0.2.0"]);
    const forward = await up();
    expect(forward.exitCode, forward.all).toBe(0);
    await expectRunning("v0.2.0");
    expect((await up()).all).toContain("no changes.");

    await set("v0.1.1");
    const back = await up();
    expect(back.exitCode, back.all).toBe(0);
    await expectRunning("v0.1.1");
    expect((await up()).all).toContain("no changes.");
    for (const volume of volumes) expect(await factory.onVolume(volume, "busybox cat /v/kept")).toBe(volume);
  });

  test("pins the code: an image that would update itself has no reason to", async () => {
    expect(await factory.onVolume("state", "busybox ls /v")).not.toContain("updated");
  });

  test("whose tag moved in the registry shows in the preview as another digest, and up applies it", async () => {
    const before = digests["agents:v0.1.1"];
    digests["agents:v0.1.1"] = await registry.push("agents", "v0.1.1", "2");
    const preview = await factory.plain("pulumi preview --stack test --diff", trusting());
    expect(preview.all).toContain(before);
    expect(preview.all).toContain(digests["agents:v0.1.1"]);
    const moved = await up();
    expect(moved.exitCode, moved.all).toBe(0);
    await expectRunning("v0.1.1");
    expect((await up()).all).toContain("no changes.");
  });

  test("by its digest needs no registry, where the image is here already", async () => {
    const reference = (image: string) =>
      `${registry.server}/${registry.namespace}/${image}:v0.1.1@${digests[`${image}:v0.1.1`]}`;
    for (const image of imageNames) {
      await factory.plain(`pulumi config set --stack test disinto:${image}Image ${reference(image)}`, trusting());
    }
    await registry.stop();
    const offline = await up();
    expect(offline.exitCode, offline.all).toBe(0);
    await expectRunning("v0.1.1");
    expect((await up()).all).toContain("no changes.");
    for (const image of imageNames) {
      await factory.plain(`pulumi config rm --stack test disinto:${image}Image`, trusting());
    }
    await registry.restart();
    expect((await up()).exitCode).toBe(0);
  });
});

describe("a registry that does not give the image", () => {
  async function refused(): Promise<string> {
    const { Id } = await factory.inspect("agents");
    const outcome = await up();
    expect(outcome.exitCode).toBe(1);
    expect(outcome.all).not.toMatch(/\n\s+at .*\.[jt]s:\d+|serializing|invoking/);
    expect(outcome.all).toContain("Nothing that runs was touched.");
    expect(outcome.all).not.toContain(registry.password);
    expect((await factory.inspect("agents")).Id).toBe(Id);
    return outcome.all;
  }

  test("because the version is not there", async () => {
    await set("v9.9.9");
    expect(await refused()).toContain("has no such image or version (404)");
    await set("v0.1.1");
  });

  test("because it is down", async () => {
    await registry.stop();
    expect(await refused()).toContain("cannot be reached");
    await registry.restart();
  });

  test("because its CA is not known", async () => {
    const outcome = await factory.factory("up", ["--yes"]);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.all).toContain("a certificate that nobody known here has signed");
  });

  test("because the password is wrong", async () => {
    await setSecret("registryToken", "canary0wrong0password");
    const said = await refused();
    expect(said).toContain("refuses these credentials (401)");
    expect(said).not.toContain("canary0wrong0password");
    await setSecret("registryToken", registry.password);
  });
});
