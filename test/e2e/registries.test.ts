import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execa } from "./execa.ts";
import { TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";
import { type Rule, withFront } from "./registry-front.ts";

const home = mkdtempSync(join(tmpdir(), "factory-login-"));
let registry: TestRegistry;
let factory: TestFactory;
const digests: Record<string, string> = {};

beforeAll(async () => {
  registry = await TestRegistry.start();
  digests.agents = await registry.pushIndex("agents", "v0.1.1", "application/vnd.oci.image.index.v1+json");
  digests.edge = await registry.pushIndex(
    "edge",
    "v0.1.1",
    "application/vnd.docker.distribution.manifest.list.v2+json",
  );
  digests.reproduce = await registry.push("reproduce", "v0.1.1");
  for (const version of ["v0.2.0", "v0.3.0"]) digests[version] = await registry.push("agents", version);
  factory = await TestFactory.create();
  writeHelper();
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
  rmSync(home, { recursive: true, force: true });
});

const dockerConfig = join(home, ".docker");

/** Writes the user's Docker config, which `up` reads. */
function writeDockerConfig(config: object): void {
  mkdirSync(dockerConfig, { recursive: true });
  writeFileSync(join(dockerConfig, "config.json"), `${JSON.stringify(config, undefined, "\t")}\n`);
}

/** Writes the program `docker-credential-e2e`, which knows the password of the registry alone. */
function writeHelper(): void {
  const program = join(home, "bin/docker-credential-e2e");
  const credentials = { ServerURL: registry.server, Username: registry.username, Secret: registry.password };
  mkdirSync(join(home, "bin"));
  writeFileSync(
    program,
    `#!/bin/sh
if [ "$1 $(cat)" = "get ${registry.server}" ]; then
  echo '${JSON.stringify(credentials)}'
else
  echo "credentials not found in native keychain"
  exit 1
fi
`,
  );
  chmodSync(program, 0o755);
}

const helper = () => ({ credHelpers: { [registry.server]: "e2e" } });
const authEntry = (server = registry.server) => ({ auths: { [server]: { auth: encodedLogin() } } });
const encodedLogin = () => Buffer.from(registry.login).toString("base64");

const environment = () => ({
  SSL_CERT_FILE: registry.caBundle,
  DOCKER_CONFIG: dockerConfig,
  PATH: `${join(home, "bin")}:${process.env.PATH}`,
});

/** Version v0.1.1 of every image, and `agents` of the agents'. */
function configure(agents = "v0.1.1", server = registry.server): Promise<void> {
  const { namespace } = registry;
  return factory.configure({
    build: undefined,
    registry: { server, namespace },
    release: "v0.1.1",
    agentsImage: agents,
  });
}

const up = () => factory.factory("up", ["--yes"], environment());

/** Applies the config, twice, and returns all it said. */
async function upAndNoChanges(): Promise<string> {
  const first = await up();
  expect(first.exitCode, first.all).toBe(0);
  const second = await up();
  expect(second.all).toContain("no changes.");
  return first.all + second.all;
}

async function expectDigest(component: "agents" | "edge", digest: string | undefined): Promise<void> {
  const { Image } = await factory.inspect(component);
  expect(await factory.digestsOf(Image)).toContain(`${registry.server}/${registry.namespace}/${component}@${digest}`);
}

describe("a tag with an image for each platform", () => {
  test("is pinned to the digest of the list, and this platform's image runs", async () => {
    writeDockerConfig(authEntry());
    await configure();
    const preview = await factory.plain("pulumi preview --stack test --diff", environment());
    for (const image of ["agents", "edge"] as const) {
      expect(preview.all).toContain(`${registry.namespace}/${image}:v0.1.1@${digests[image]}`);
    }
    await upAndNoChanges();
    for (const component of ["agents", "edge"] as const) {
      await expectDigest(component, digests[component]);
      const { Config } = await factory.inspect(component);
      expect(Config.Labels["org.opencontainers.image.revision"]).toBe("1");
    }
  });
});

describe("without a token in the stack, the Docker login", () => {
  const readDockerConfig = () =>
    Object.fromEntries(readdirSync(dockerConfig).map((file) => [file, readFileSync(join(dockerConfig, file), "utf8")]));

  async function expectSecretKept(said: string): Promise<void> {
    const state = await factory.plain("pulumi stack export --stack test", environment());
    expect(state.stdout).toContain(factory.name);
    for (const secret of [registry.password, encodedLogin()]) {
      expect(said + state.all).not.toContain(secret);
      const grep = ["-rlF", secret, join(factory.directory, ".factory")];
      expect(await execa("grep", grep, { reject: false })).toMatchObject({ stdout: "", exitCode: 1 });
    }
  }

  test.each([
    { kind: "of a credential helper", version: "v0.2.0", login: helper },
    { kind: "in config.json itself", version: "v0.3.0", login: authEntry },
  ])("$kind reads the image, and stays where it is", async ({ version, login }) => {
    writeDockerConfig(login());
    const before = readDockerConfig();
    await configure(version);
    const said = await upAndNoChanges();
    await expectDigest("agents", digests[version]);
    await expectSecretKept(said);
    expect(readDockerConfig()).toEqual(before);
  });
});

describe("a registry that does not give the image", () => {
  async function refused(server: string): Promise<string> {
    const ids = () => Promise.all((["agents", "edge"] as const).map(async (name) => (await factory.inspect(name)).Id));
    const before = await ids();
    await configure("v0.2.0", server);
    const outcome = await up();
    expect(outcome.exitCode).toBe(1);
    expect(outcome.all).not.toMatch(/\n\s+at .*\.[jt]s:\d+/);
    expect(outcome.all).not.toContain(registry.password);
    expect(await ids()).toEqual(before);
    return outcome.all;
  }

  function refusedBy(rule: Rule): Promise<string> {
    return withFront(registry, rule, (server) => {
      writeDockerConfig(authEntry(server));
      return refused(server);
    });
  }

  const manifestsOf = (image: string) => `/v2/${registry.namespace}/${image}/manifests/`;

  /** As ghcr.io does: whoever has no token is sent to /token, which answers `status`. */
  const sendingToTokens =
    (status: number): Rule =>
    (path, server) => {
      if (path.startsWith("/token")) return { status };
      const challenge = `Bearer realm="https://${server}/token",service="${server}",scope="repository:x:pull"`;
      return { status: 401, headers: { "www-authenticate": challenge } };
    };

  test("because there is no login", async () => {
    writeDockerConfig({});
    expect(await refused(registry.server)).toContain("refuses these credentials (401)");
  });

  test("because the credential helper is not there", async () => {
    writeDockerConfig({ credHelpers: { [registry.server]: "e2e-missing" } });
    expect(await refused(registry.server)).toContain("was not asked: Docker's config.json, or the credential helper");
  });

  test("because these credentials have no right to one image of three", async () => {
    const said = await refusedBy((path) => (path.startsWith(manifestsOf("edge")) ? { status: 403 } : undefined));
    expect(said).toMatch(/edge:v0\.1\.1: the registry localhost:\d+ does not let these credentials read it \(403\)/);
    expect(said).toMatch(/fix: give the token the right to read packages, .*disinto:registryToken/);
  });

  test.each([
    { status: 401, sentence: "refuses these credentials (401)" },
    { status: 403, sentence: "does not let these credentials read it (403)" },
  ])("because the token has expired: $status", async ({ status, sentence }) => {
    expect(await refusedBy(sendingToTokens(status))).toContain(sentence);
  });

  test("because its name does not resolve", async () => {
    expect(await refused("registry.invalid:5000")).toContain("the registry registry.invalid:5000 cannot be reached");
  });
});
