import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, volumes } from "../../components/contract.ts";
import { type Outcome, staticBusybox, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";
import { type Rule, withFront } from "./registry-front.ts";

let registry: TestRegistry;
let factory: TestFactory;
/** Where the bare repositories `origin` and `mirror` lie. */
let remotes: string;
/** Address of the registry; what it answers is `rule`'s to say first. */
let server: string;
let rule: Rule;
let closeFront: () => void;

beforeAll(async () => {
  registry = await TestRegistry.start();
  const opened = new Promise<string>((resolve) => {
    void withFront(
      registry,
      (...asked) => rule(...asked),
      (address) => {
        resolve(address);
        return new Promise<void>((close) => {
          closeFront = close;
        });
      },
    );
  });
  rule = () => undefined;
  server = await opened;
  remotes = mkdtempSync(join(tmpdir(), "factory-remotes-"));
  factory = await TestFactory.create();
  await prepare();
});

afterAll(async () => {
  await factory?.dispose();
  closeFront?.();
  await registry?.dispose();
  rmSync(remotes, { recursive: true, force: true });
});

/** A repository with images, a changelog, two remotes, and a stack that reads the registry. */
async function prepare(): Promise<void> {
  const at = (name: string) => join(factory.directory, name);
  cpSync(join(import.meta.dirname, "fixtures/versioned"), at("images"), { recursive: true });
  cpSync(staticBusybox(), at("images/busybox"));
  writeFileSync(at("CHANGELOG.md"), "# Changelog\n\n## v0.1.0\n\n- The first one.\n");
  await factory.configure(onRegistry({ build: { source: "images" }, mirrors: ["mirror"], release: "v0.1.0" }));
  const token = "pulumi config set --stack test --secret disinto:registryToken";
  await succeeds(factory.plain(`printf %s "$TOKEN" | ${token}`, { ...trusting(), TOKEN: registry.password }));
  for (const name of ["origin", "mirror"]) {
    await factory.git("init", "--quiet", "--bare", "--initial-branch=main", join(remotes, name));
    await factory.git("remote", "add", name, join(remotes, name));
  }
  await factory.git("config", "user.name", "Releaser");
  await factory.git("config", "user.email", "releaser@localhost");
  await commit("Images");
}

function onRegistry(config: Record<string, unknown>): Record<string, unknown> {
  return { registry: { server, namespace: registry.namespace, username: registry.username }, ...config };
}

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const withToken = () => ({ ...trusting(), REGISTRY_TOKEN: registry.password });
const release = (version: string, args: string[] = [], env: Record<string, string> = withToken()) =>
  factory.factory("release", [version, ...args], env);

async function commit(message: string): Promise<void> {
  await factory.git("add", "--all");
  await factory.git("commit", "--quiet", `--message=${message}`);
}

async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}

/** What a bare repository has under a name. */
async function remoteCommit(remote: string, name: string): Promise<string> {
  return (await execa("git", ["-C", join(remotes, remote), "rev-parse", "--verify", name], { reject: false })).stdout;
}

async function runs(of = factory): Promise<string | undefined> {
  return (await of.inspect("agents")).Config.Labels["org.opencontainers.image.version"];
}

/** Tags of an image in the registry. */
async function tagsOf(image: string): Promise<string[]> {
  const url = `https://${registry.server}/v2/${registry.namespace}/${image}/tags/list`;
  const curl = ["--silent", "--cacert", registry.caBundle, "--config", "-", url];
  const { stdout } = await execa("curl", curl, { input: `user = "${registry.login}"\n` });
  return (JSON.parse(stdout).tags ?? []).filter((tag: string) => tag.startsWith("v"));
}

describe("a first release", () => {
  test("is planned by --dry-run, which changes nothing", async () => {
    const planned = await succeeds(release("v0.1.0", ["--dry-run"]));
    expect(planned.stdout).toContain("v0.1.0 can be released. Still to do: tag-main, push-mirrors, build-image,");
    expect(await factory.git("tag")).toBe("");
    expect(await remoteCommit("origin", "main")).toBe("");
    expect(await tagsOf("agents")).toEqual([]);
  });

  test("goes from a commit to a factory that runs it", async () => {
    const released = await succeeds(release("v0.1.0", ["--json"]));
    const { steps, commit: hash, record } = JSON.parse(released.stdout);
    expect(steps.map(({ step, result }: { step: string; result: string }) => `${step} ${result}`)).toEqual([
      "preflight done",
      "tag-main done",
      "push-mirrors done",
      "build-image done",
      "tag-image done",
      "push-image done",
      "restart-agents done",
      "commit-result done",
    ]);
    expect(await runs()).toBe("v0.1.0");
    for (const remote of ["origin", "mirror"]) {
      expect(await remoteCommit(remote, "v0.1.0^{commit}")).toBe(hash);
      expect(await remoteCommit(remote, "main")).toBe(await factory.git("rev-parse", "HEAD"));
    }
    expect(JSON.parse(await factory.git("show", "origin/main:releases/v0.1.0.json"))).toEqual(record);
    expect(await factory.git("status", "--porcelain")).toBe("");
    for (const image of imageNames) {
      expect(record.images[image].reference).toContain(`/${image}:v0.1.0@sha256:`);
      expect(record.images[image].bytes).toBeGreaterThan(500_000);
      expect(await tagsOf(image)).toEqual(["v0.1.0"]);
    }
    const [own] = await factory.digestsOf((await factory.inspect("agents")).Image);
    expect(own).toContain(record.images.agents.digest);
    expect((await succeeds(factory.factory("up", ["--yes"], trusting()))).all).toContain("no changes.");
    for (const volume of volumes) await factory.onVolume(volume, `echo ${volume} > /v/kept`);
  });

  test("is not made twice", async () => {
    const again = await release("v0.1.0");
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("v0.1.0 is taken: origin's main has releases/v0.1.0.json, so it was released");
  });
});
