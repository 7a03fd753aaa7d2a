import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, volumes } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { dockerHost, e2eLabel, type Outcome, staticBusybox, TestFactory } from "./harness.ts";
import { killGroup } from "./processes.ts";
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
  for (const image of imageNames) factory.label(`images/docker/${image}/Dockerfile`);
  writeFileSync(at("CHANGELOG.md"), "# Changelog\n\n## v0.1.0\n\n- The first one.\n");
  const agents = { drain: { timeout: "2s" } };
  await factory.configure(onRegistry({ build: { source: "images" }, mirrors: ["mirror"], agents, release: "v0.1.0" }));
  // The first command in a new checkout: the stack is made with its first secret.
  const config = ["config", "set", "--stack", "test", "--secret", "disinto:registryToken"];
  const env = factory.environment();
  await execa(at("factory"), ["pulumi", "--", ...config], { cwd: factory.directory, env, input: registry.password });
  for (const name of ["origin", "mirror"]) {
    await factory.git("init", "--quiet", "--bare", "--initial-branch=main", join(remotes, name));
    await factory.git("remote", "add", name, join(remotes, name));
  }
  await factory.git("config", "user.name", "Releaser");
  await factory.git("config", "user.email", "releaser@localhost");
  await commit("Images");
}

function onRegistry(config: Record<string, unknown>): Record<string, unknown> {
  const { namespace, username } = registry;
  return { registry: { server, namespace, username }, verifyImages: { key: publicKey }, ...config };
}

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const signing = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const privateKey = signing.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const publicKey = signing.publicKey.export({ type: "spki", format: "pem" }).toString();
const withToken = () => ({ ...trusting(), REGISTRY_TOKEN: registry.password, COSIGN_PRIVATE_KEY: privateKey });

/** Everything that releases have printed. */
const said: string[] = [];

async function release(version: string, args: string[] = [], env: Record<string, string> = withToken()) {
  const outcome = await factory.factory("release", [version, ...args], env);
  said.push(outcome.all);
  return outcome;
}

/** A release of v0.2.0 that fails at a step; no image of it has a name by then. */
async function failsAt(step: string, env?: Record<string, string>): Promise<string> {
  const failed = await release("v0.2.0", [], env);
  expect(failed.exitCode, failed.all).toBe(1);
  expect(failed.stderr).toContain(`, ${step}, failed. `);
  expect(failed.stderr).toContain("Go on once that is mended: ./factory release v0.2.0 --stack test");
  return failed.stderr;
}

async function expectNothingPublished(): Promise<void> {
  for (const image of imageNames) expect(await tagsOf(image)).toEqual(["v0.1.0"]);
  expect(await runs()).toBe("v0.1.0");
}

/** Whoever pushes to a bare repository is refused, until the function that is returned is called. */
function refusePushes(remote: string): () => void {
  const hook = join(remotes, remote, "hooks/pre-receive");
  writeFileSync(hook, "#!/bin/sh\necho 'the disk of the forge is full' >&2\nexit 1\n", { mode: 0o755 });
  return () => rmSync(hook);
}

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
      expect(record.images[image].signed).toBe(true);
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

describe("a release that fails", () => {
  test("preflight: all that is in the way, at once", async () => {
    writeFileSync(join(factory.directory, "notes.txt"), "not committed\n");
    const failed = await failsAt("preflight", trusting());
    expect(failed).toContain("what is here is not committed: notes.txt: git commit, or git stash");
    expect(failed).toContain('CHANGELOG.md has no entry for it: a heading "## v0.2.0"');
    expect(failed).toContain(`REGISTRY_TOKEN is not set: a token that may write packages to ${server}`);
    expect(failed).toContain("COSIGN_PRIVATE_KEY is not set, and stack test runs signed images alone");
    expect(failed).toContain("Nothing was tagged, pushed or changed.");
    rmSync(join(factory.directory, "notes.txt"));
    appendFileSync(join(factory.directory, "CHANGELOG.md"), "\n## v0.2.0\n\n- The second one.\n");
    await commit("Changelog");
  });

  test("preflight: a wrong token, one without the right to push, an older version", async () => {
    expect(await failsAt("preflight", { ...withToken(), REGISTRY_TOKEN: "wrong" })).toContain(
      `The registry ${server} refuses the token in REGISTRY_TOKEN (401)`,
    );
    rule = (path, _, method) => (method === "POST" && path.endsWith("/blobs/uploads/") ? { status: 403 } : undefined);
    expect(await failsAt("preflight")).toContain(`The token in REGISTRY_TOKEN may not push to ${server} (403).`);
    rule = () => undefined;
    const { privateKey: another } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const pem = another.export({ type: "pkcs8", format: "pem" }).toString();
    expect(await failsAt("preflight", { ...withToken(), COSIGN_PRIVATE_KEY: pem })).toContain(
      "the key in COSIGN_PRIVATE_KEY is not the one of disinto:verifyImages.key on stack test",
    );
    const older = await release("v0.0.9");
    expect(older.stderr).toContain("v0.0.9 is not newer than the last version: git has v0.1.0");
    expect(older.stderr).toContain(`v0.0.9 is not newer than the last version: ${server} has edge v0.1.0`);
  });

  test("preflight: an image that does not build is not tagged", async () => {
    const dockerfile = join(factory.directory, "images/docker/edge/Dockerfile");
    appendFileSync(dockerfile, "RUN exit 3\n");
    await commit("Broken");
    expect(await failsAt("preflight")).toContain(
      "The image of edge cannot be built from images/docker/edge/Dockerfile",
    );
    await factory.git("revert", "--no-edit", "HEAD");
    expect(await factory.git("tag")).toBe("v0.1.0");
    const own = `--filter=label=${e2eLabel}=${factory.name}`;
    expect(await factory.docker("images", "--quiet", "--filter=dangling=true", own)).toBe("");
  });

  test("preflight: a full disk", async () => {
    const full = mkdtempSync(join(tmpdir(), "factory-full-"));
    await execa("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", full]);
    try {
      expect(await failsAt("preflight", { ...withToken(), TMPDIR: full })).toContain("No space left on device");
    } finally {
      await execa("umount", [full]);
      rmSync(full, { recursive: true });
    }
    expect(await factory.git("tag")).toBe("v0.1.0");
    await expectNothingPublished();
  });

  test("tag-main: the forge refuses; nobody else has the tag", async () => {
    const accept = refusePushes("origin");
    const failed = await failsAt("tag-main");
    expect(failed).toContain("the disk of the forge is full");
    expect(failed).toContain("`git tag --delete v0.2.0` takes back");
    expect(await remoteCommit("origin", "v0.2.0")).toBe("");
    accept();
  });

  test("push-mirrors: a mirror is gone", async () => {
    renameSync(join(remotes, "mirror"), join(remotes, "away"));
    const failed = await release("v0.2.0");
    expect(failed.exitCode).toBe(1);
    // It is asked for what it has before anything is pushed to it.
    expect(failed.stderr).toContain("push-mirrors, failed. git ls-remote failed:");
    expect(failed.stderr).toContain("Git has the tag v0.2.0; no image of it is in the registry.");
    expect(await remoteCommit("origin", "v0.2.0^{commit}")).toBe(await factory.git("rev-parse", "HEAD"));
    renameSync(join(remotes, "away"), join(remotes, "mirror"));
    await expectNothingPublished();
  });

  test("build-image: an image is gone by then, and the disk is full", async () => {
    const full = mkdtempSync(join(tmpdir(), "factory-full-"));
    await execa("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", full]);
    const head = (await factory.git("rev-parse", "HEAD")).slice(0, 12);
    const edge = `${server}/${registry.namespace}/edge:sha-${head}`;
    // What happens while the tag is pushed to the mirror.
    const hook = join(remotes, "mirror/hooks/post-receive");
    const fill = `dd if=/dev/zero of=${full}/fill bs=1M 2>/dev/null`;
    writeFileSync(hook, `#!/bin/sh\ndocker --host ${dockerHost} rmi ${edge} >&2; ${fill}\n:\n`, { mode: 0o755 });
    try {
      const failed = await failsAt("build-image", { ...withToken(), TMPDIR: full });
      expect(failed).toContain("No space left on device");
      expect(failed).toContain("Git has the tag v0.2.0; no image of it is in the registry.");
    } finally {
      rmSync(hook);
      await execa("umount", [full]);
      rmSync(full, { recursive: true });
    }
    await expectNothingPublished();
  });

  test("tag-image: the daemon refuses", async () => {
    const refusing = mkdtempSync(join(tmpdir(), "factory-docker-"));
    const docker = (await execa("sh", ["-c", "command -v docker"])).stdout;
    const script = `#!/bin/sh\n[ "$1" != tag ] || { echo 'read-only file system' >&2; exit 1; }\nexec ${docker} "$@"\n`;
    writeFileSync(join(refusing, "docker"), script, { mode: 0o755 });
    const failed = await failsAt("tag-image", { ...withToken(), PATH: `${refusing}:${process.env.PATH}` });
    rmSync(refusing, { recursive: true });
    expect(failed).toContain("docker tag failed on");
    await expectNothingPublished();
  });

  test("push-image: killed while it pushes", async () => {
    const running = factory.start("release", ["v0.2.0"], withToken());
    let killed: Promise<void> | undefined;
    rule = (path, _, method) => {
      if (!["GET", "POST"].includes(method) && path.includes("/edge/blobs/uploads/"))
        killed ??= killGroup(running.pid as number);
      return undefined;
    };
    expect((await running).signal).toBe("SIGKILL");
    await killed;
    rule = () => undefined;
    await expectNothingPublished();
  });

  test("push-image: the registry breaks off half-way through a layer", async () => {
    rule = (path, _, method) => (method === "PATCH" && path.includes("/edge/blobs/uploads/") ? "breaks" : undefined);
    const failed = await failsAt("push-image");
    rule = () => undefined;
    expect(failed).toMatch(/docker push \S+\/edge:sha-[0-9a-f]{12} failed/);
    expect(failed).toContain("No image in the registry has the tag v0.2.0, so no factory can run it.");
    await expectNothingPublished();
  });

  test("push-image: the registry answers with another digest", async () => {
    rule = (path, _, method) =>
      method === "GET" && /\/reproduce\/manifests\/sha-/.test(path)
        ? { path: path.replace(/sha-.*/, "v0.1.0") }
        : undefined;
    const failed = await failsAt("push-image");
    rule = () => undefined;
    expect(failed).toContain("What the registry has is not what was pushed:");
    await expectNothingPublished();
  });

  test("restart-agents: agents that are at work are not stopped", async () => {
    const { Id } = await factory.inspect("agents");
    await factory.docker("exec", factory.containerName("agents"), "busybox", "touch", "/busy");
    const failed = await failsAt("restart-agents");
    expect(failed).toContain("v0.2.0 is in the registry. What runs is said above");
    expect((await factory.inspect("agents")).Id).toBe(Id);
    await factory.docker("exec", factory.containerName("agents"), "busybox", "rm", "/busy");
  });

  test("commit-result: the forge refuses", async () => {
    const accept = refusePushes("origin");
    const failed = await failsAt("commit-result");
    expect(failed).toContain("The record is committed here, but not pushed to origin");
    expect(await runs()).toBe("v0.2.0");
    accept();
  });

  test("is finished by the same command", async () => {
    const { Id } = await factory.inspect("agents");
    const finished = await succeeds(release("v0.2.0"));
    expect(finished.stdout).toContain("v0.2.0 is released");
    expect((await factory.inspect("agents")).Id).toBe(Id);
    for (const image of imageNames) expect((await tagsOf(image)).sort()).toEqual(["v0.1.0", "v0.2.0"]);
    for (const remote of ["origin", "mirror"]) {
      expect(await remoteCommit(remote, "main")).toBe(await factory.git("rev-parse", "HEAD"));
    }
    expect(await factory.git("status", "--porcelain")).toBe("");
    for (const volume of volumes) expect(await factory.onVolume(volume, "busybox cat /v/kept")).toBe(volume);
    expect((await succeeds(factory.factory("up", ["--yes"], trusting()))).all).toContain("no changes.");
  });

  test("a version that the registry has from elsewhere is never overwritten", async () => {
    const digest = await registry.push("agents", "v0.3.0");
    appendFileSync(join(factory.directory, "CHANGELOG.md"), "\n## v0.3.0\n\n- The third one.\n");
    await commit("Changelog");
    const taken = await release("v0.3.0");
    expect(taken.exitCode).toBe(1);
    expect(taken.stderr).toContain(`v0.3.0 is taken: ${server} has agents:v0.3.0 of another commit`);
    expect(digest).toMatch(/^sha256:/);
    expect(await factory.git("tag")).toBe("v0.1.0\nv0.2.0");
  });
});

describe("old versions in the registry", () => {
  const prune = (...args: string[]) => factory.factory("prune-registry", args, withToken());

  test("stay where the factory can go back to them; others go, with their signatures", async () => {
    for (const image of imageNames) await registry.push(image, "v0.0.1");
    const asked = await prune("--keep", "1");
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain("Nothing was deleted: ./factory prune-registry --stack test --yes");
    expect(await tagsOf("edge")).toContain("v0.0.1");
    expect((await succeeds(prune("--keep", "1", "--yes"))).stdout).toMatch(
      /agents: to be deleted; stays: v0\.3\.0, v0\.2\.0, v0\.1\.0/,
    );
    expect((await tagsOf("edge")).sort()).toEqual(["v0.1.0", "v0.2.0"]);
    expect((await succeeds(prune("--keep", "1", "--yes"))).stdout).toMatch(
      /edge: nothing to delete; stays: v0\.2\.0, v0\.1\.0/,
    );
    expect((await succeeds(factory.factory("preview", [], trusting()))).exitCode).toBe(0);
  });
});

describe("what was released", () => {
  test("runs on another machine, which has a token and a config file alone, and goes back there", async () => {
    const other = await TestFactory.create(onRegistry({ build: undefined, release: "v0.2.0" }));
    try {
      for (const sources of ["docker", "tiny", ".git"]) rmSync(join(other.directory, sources), { recursive: true });
      const token = "pulumi config set --stack test --secret disinto:registryToken";
      await succeeds(other.plain(`printf %s "$TOKEN" | ${token}`, { ...trusting(), TOKEN: registry.password }));
      await succeeds(other.factory("up", ["--yes"], trusting()));
      expect(await runs(other)).toBe("v0.2.0");
      const older = "pulumi config set --stack test disinto:release v0.1.0";
      await succeeds(other.plain(older, trusting()));
      await succeeds(other.factory("up", ["--yes"], trusting()));
      expect(await runs(other)).toBe("v0.1.0");
      expect((await other.inspect("runner")).Image).toBe((await other.inspect("agents")).Image);
      expect((await succeeds(other.factory("up", ["--yes"], trusting()))).all).toContain("no changes.");
    } finally {
      await other.dispose();
    }
  });

  test("has the token nowhere: in no output, commit, image, temporary file or Docker config", async () => {
    const { password } = registry;
    expect(said.length).toBeGreaterThan(10);
    expect(said.join("\n")).not.toContain(password);
    expect(said.join("\n")).not.toContain(privateKey.split("\n")[1]);
    expect(await factory.git("log", "--all", "--patch")).not.toContain(password);
    const agents = await factory.inspect("agents");
    expect(await factory.docker("image", "inspect", agents.Image)).not.toContain(password);
    expect(await factory.docker("history", "--no-trunc", agents.Image)).not.toContain(password);
    expect(JSON.stringify(agents)).not.toContain(password);
    const { stdout } = await execa(
      "grep",
      ["-rlsF", password, tmpdir(), "--include=config.json", "--include=docker-*"],
      {
        reject: false,
      },
    );
    // The registry of these tests has its own.
    expect(stdout.split("\n").filter((file) => file !== "" && !file.includes("/factory-registry-"))).toEqual([]);
    const own = join(process.env.HOME ?? "", ".docker/config.json");
    expect(existsSync(own) ? readFileSync(own, "utf8") : "").not.toContain(password);
  });
});
