import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import { ConfigError } from "../../config/problem.ts";
import { readStackFile } from "../../pulumi/stack-file.ts";

const minimal = { stack: "test", values: {} as Record<string, string>, secrets: new Set<string>() };

function parse(values: Record<string, unknown>, secrets: string[] = []) {
  const text = Object.entries(values).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return parseConfig({ ...minimal, values: Object.fromEntries(text), secrets: new Set(secrets) });
}

function messageOf(values: Record<string, unknown>, secrets: string[] = []): string {
  try {
    parse(values, secrets);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("no ConfigError");
}

describe("an empty config", () => {
  test("is a factory named disinto, built locally, with every default", () => {
    expect(parse({})).toEqual({
      factoryName: "disinto",
      keepReleases: 3,
      dockerHost: "unix:///var/run/docker.sock",
      registry: { server: "ghcr.io", namespace: "disinto", username: "factory" },
      images: {
        agents: { kind: "build", args: {} },
        reproduce: { kind: "build", args: {} },
        edge: { kind: "build", args: {} },
      },
      build: { kind: "build", args: {} },
      mirrors: [],
      agents: {
        roles: ["dev", "review", "planner", "gardener", "architect", "supervisor", "predictor"],
        drain: { timeout: 1800, onTimeout: "fail" },
        pollInterval: 300,
        architectInterval: 900,
        plannerInterval: 43200,
        supervisorInterval: 1200,
        resources: { memory: 4096, pids: 2048 },
        environment: {},
        hired: {},
      },
      hooks: {},
      edge: { httpPort: 80, httpsPort: 443 },
    });
  });
});

describe("mirrors", () => {
  test("are a list, as Pulumi keeps one", () => {
    expect(parse({ mirrors: '["github","backup"]' }).mirrors).toEqual(["github", "backup"]);
  });

  test.each(["github", '["github","github"]', '["two words"]'])("are not %s", (mirrors) => {
    expect(messageOf({ mirrors })).toContain("allowed: a list of names that `git remote` shows, each once");
  });
});

describe("images", () => {
  test("release sets all three, a key of its own wins", () => {
    const { images } = parse({ release: "v0.1.1", edgeImage: "v0.2.0" });
    expect(images.agents).toEqual({
      kind: "registry",
      reference: { server: "ghcr.io", repository: "disinto/agents", tag: "v0.1.1" },
    });
    expect(images.reproduce).toMatchObject({ reference: { repository: "disinto/reproduce", tag: "v0.1.1" } });
    expect(images.edge).toMatchObject({ reference: { repository: "disinto/edge", tag: "v0.2.0" } });
  });

  test("a bare version is completed from the registry", () => {
    const { images } = parse({
      agentsImage: "0.1.1",
      registry: { server: "localhost:5000", namespace: "team/factory" },
    });
    expect(images.agents).toMatchObject({
      reference: { server: "localhost:5000", repository: "team/factory/agents", tag: "0.1.1" },
    });
    expect(images.edge).toEqual({ kind: "build", args: {} });
  });

  test("a full reference stays as it is", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const { images } = parse({ agentsImage: `registry.internal:5000/a/b/agents:v1@${digest}` });
    expect(images.agents).toMatchObject({
      reference: { server: "registry.internal:5000", repository: "a/b/agents", tag: "v1", digest },
    });
  });

  test.each([
    ["latest", "ghcr.io/disinto/agents:latest", "pins nothing: latest is whatever was pushed last"],
    ["no version", "ghcr.io/disinto/agents", "has no version"],
    ["upper case", "ghcr.io/Disinto/agents:v1", "is not an image reference"],
    ["another image", "ghcr.io/disinto/edge:v0.1.1", "is the image of edge"],
    ["a short digest", "ghcr.io/disinto/agents@sha256:abc", "is not an image reference"],
    ["a build's metadata", "v0.1.1+dirty", "is not an image reference"],
  ])("%s is refused", (_, value, complaint) => {
    expect(messageOf({ agentsImage: value })).toBe(`The config of stack test has 1 problem:

  agentsImage: ${JSON.stringify(value)} ${complaint}
    allowed: a version (v0.1.1) or a full reference (ghcr.io/disinto/agents:v0.1.1, with or without @sha256:...)
    fix: pulumi config --stack test set disinto:agentsImage v0.1.1`);
  });

  test("the runner has no image of its own", () => {
    expect(messageOf({ runnerImage: "v0.1.1" })).toBe(`The config of stack test has 1 problem:

  runnerImage: unknown key: the runner runs the agents' image, always; set agentsImage
    fix: pulumi config --stack test rm --path 'disinto:runnerImage'`);
  });
});

describe("numbers", () => {
  test("are read where a plain key is one", () => {
    expect(parse({ keepReleases: "5" }).keepReleases).toBe(5);
    expect(parse({}).keepReleases).toBe(3);
    expect(messageOf({ keepReleases: "many" })).toContain('keepReleases: "many" is not allowed');
  });
});

describe("snapshots", () => {
  const values = { snapshots: { repository: "/var/backups/acme" }, snapshotPassword: "canary-password" };

  test("are off where nothing says where to", () => {
    expect(parse({}).snapshots).toBeUndefined();
  });

  test("need a place and a password, and nothing else", () => {
    expect(parse(values, ["snapshotPassword"])).toMatchObject({
      snapshots: { repository: "/var/backups/acme", keep: 10, beforeUpgrade: true },
      snapshotPassword: "canary-password",
    });
  });

  test("without a password are refused, with the command that sets one", () => {
    expect(messageOf({ snapshots: values.snapshots })).toBe(`The config of stack test has 1 problem:

  snapshotPassword: is missing: what lies in snapshots.repository is encrypted with it
    allowed: one line of text, set with --secret
    fix: pulumi config --stack test set --secret disinto:snapshotPassword`);
  });

  test("with a password in plain text are refused, and it is not shown", () => {
    const message = messageOf(values);
    expect(message).toContain("snapshotPassword: is stored in plain text");
    expect(message).not.toContain("canary-password");
  });

  test.each(["backups", "/", "/a:b", "/a,b", "s3:host/bucket", "rest:https://user:pw@host/"])(
    "do not go to %s",
    (repository) => {
      expect(messageOf({ ...values, snapshots: { repository } }, ["snapshotPassword"])).toContain(
        "snapshots.repository:",
      );
    },
  );

  test.each(["/srv/backups", "rest:https://backups.internal:8000/acme/"])("go to %s", (repository) => {
    expect(parse({ ...values, snapshots: { repository } }, ["snapshotPassword"]).snapshots?.repository).toBe(
      repository,
    );
  });
});

describe("verifyImages", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = ec.publicKey.export({ type: "spki", format: "pem" }).toString();
  const refusal = (received: string) => `The config of stack test has 1 problem:

  verifyImages.key: ${received}
    allowed: a public key in PEM, ECDSA P-256
    fix: pulumi config --stack test set --path 'disinto:verifyImages.key' < release.pub`;

  test("is off where there is no key", () => {
    expect(parse({})).not.toHaveProperty("verifyImages");
    expect(messageOf({ verifyImages: {} })).toBe(refusal("is missing"));
  });

  test.each([pem, pem.trim(), pem.replaceAll("\n", "\r\n")])("takes a public key, however its lines end", (key) => {
    expect(parse({ verifyImages: { key } }).verifyImages).toEqual({ key });
  });

  test.each([
    ["a name", "release.pub", '"release.pub"'],
    ["a damaged key", pem.replace(/\n.{40}/, "\n"), '"-----BEGIN PUBLIC KEY-----" and what follows it'],
    ["two keys", `${pem}${pem}`, '"-----BEGIN PUBLIC KEY-----" and what follows it'],
    [
      "a key of another kind",
      rsa.publicKey.export({ type: "spki", format: "pem" }).toString(),
      '"-----BEGIN PUBLIC KEY-----" and what follows it',
    ],
    [
      "the private key, which is not shown",
      ec.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      "a private key (it is in the stack's file now: make another pair)",
    ],
  ])("refuses %s", (_, key, received) => {
    expect(messageOf({ verifyImages: { key } })).toBe(refusal(`${received} is not allowed`));
  });
});

describe("durations and sizes", () => {
  test("are read in seconds and mebibytes", () => {
    const { agents } = parse({ agents: { pollInterval: "90s", plannerInterval: "2h", resources: { memory: "512m" } } });
    expect(agents).toMatchObject({ pollInterval: 90, plannerInterval: 7200, resources: { memory: 512, pids: 2048 } });
  });
});

describe("edge.routes", () => {
  const ci = { path: "/ci", upstream: "http://woodpecker:8000" };

  test("are none, or keep their order, with stripPrefix off by default", () => {
    expect(parse({}).edge).not.toHaveProperty("routes");
    const staging = { path: "/staging/site-2", upstream: "https://staging.internal/base/", stripPrefix: true };
    expect(parse({ edge: { routes: [ci, staging] } }).edge.routes).toEqual([{ ...ci, stripPrefix: false }, staging]);
  });

  test.each(["/", "ci", "/ci/", "/CI", "/a//b", "/../x", "/a b", "/a*", "/a{b}", "/a\n}", "/status", "/forge/x"])(
    "have no path %j",
    (path) => expect(messageOf({ edge: { routes: [{ ...ci, path }] } })).toContain("edge.routes[0].path: "),
  );

  test.each([
    "woodpecker:8000",
    "ftp://woodpecker",
    "http://woodpecker:8000 {",
    "http://woodpecker:8000\n}",
    "http://woodpecker:0",
    "http://woodpecker:65536",
    "http://woodpecker:443",
    "https://woodpecker:80/x",
    "http://{env.HOME}",
    "http://woodpecker/?a=b",
  ])("have no upstream %j", (upstream) =>
    expect(messageOf({ edge: { routes: [{ ...ci, upstream }] } })).toContain("edge.routes[0].upstream: "),
  );

  test("have a path once", () => {
    expect(messageOf({ edge: { routes: [ci, { ...ci, stripPrefix: true }] } })).toContain(
      "allowed: a list of path, upstream and stripPrefix, each path once",
    );
  });

  test("are complained of all at once, by their place, without a password", () => {
    const routes = [
      { path: "/ci", strip: true },
      ci,
      { path: "/x", upstream: "http://bot:canary-pw@forge", stripPrefix: "yes" },
    ];
    expect(messageOf({ edge: { routes } })).toBe(`The config of stack test has 4 problems:

  edge.routes[0].upstream: is missing
    allowed: an http:// (not on port 443) or https:// (not on port 80) address without a user or a password in it
    fix: pulumi config --stack test set --path 'disinto:edge.routes[0].upstream' http://woodpecker:8000

  edge.routes[0].strip: unknown key
    fix: pulumi config --stack test rm --path 'disinto:edge.routes[0].strip'

  edge.routes[2].upstream: "http://...@forge" is not allowed
    allowed: an http:// (not on port 443) or https:// (not on port 80) address without a user or a password in it
    fix: pulumi config --stack test set --path 'disinto:edge.routes[2].upstream' http://woodpecker:8000

  edge.routes[2].stripPrefix: "yes" is not allowed
    allowed: true or false
    fix: pulumi config --stack test set --path 'disinto:edge.routes[2].stripPrefix' true`);
  });
});

describe("errors", () => {
  test("come all at once, each with path, value, what is allowed, and the fix", async () => {
    const values = {
      factoryname: "acme",
      agents: { pollInterval: "five minutes", rolls: ["dev"], roles: ["dev", "cook"] },
      edge: { httpPort: 0 },
      agentsImage: "ghcr.io/disinto/agents",
      dockerHost: "/var/run/docker.sock",
    };
    await expect(messageOf(values)).toMatchFileSnapshot("../golden/config-errors.txt");
  });

  test("a structured key with a plain value", () => {
    expect(messageOf({ edge: "8080 and 8443" })).toBe(`The config of stack test has 1 problem:

  edge: "8080 and 8443" is not structured
    allowed: keys below it: httpPort, httpsPort, routes
    fix: pulumi config --stack test rm disinto:edge, then pulumi config --stack test set --path 'disinto:edge.httpPort' ...`);
  });

  test("one port for two protocols", () => {
    expect(messageOf({ edge: { httpPort: 8443, httpsPort: 8443 } })).toBe(`The config of stack test has 1 problem:

  edge.httpsPort: 8443 is edge.httpPort too
    allowed: another port than edge.httpPort
    fix: pulumi config --stack test set --path 'disinto:edge.httpsPort' 443`);
  });

  test("a token in plain text is refused, and not shown", () => {
    const message = messageOf({ forgeToken: "canary-token" });
    expect(message).toContain("forgeToken: is stored in plain text");
    expect(message).toContain("pulumi config --stack test set --secret disinto:forgeToken");
    expect(message).not.toContain("canary-token");
  });

  test("a password in the forge's address is refused", () => {
    expect(messageOf({ forge: { url: "https://bot:pw@forge.internal", repo: "a/b" } })).toContain("forge.url:");
  });

  test("a secret where labels and names need a plain value", () => {
    expect(messageOf({ factoryName: "acme" }, ["factoryName"])).toContain("factoryName: is set with --secret");
  });
});

describe("a secret token", () => {
  test("is taken", () => {
    expect(parse({ forgeToken: "t" }, ["forgeToken"]).forgeToken).toBe("t");
  });
});

describe("the committed stacks", () => {
  test("dev builds locally on ports of its own", () => {
    const { config } = readStackFile("dev");
    expect(config.edge).toEqual({ httpPort: 8080, httpsPort: 8443 });
    expect(Object.values(config.images).map(({ kind }) => kind)).toEqual(["build", "build", "build"]);
  });

  test("prod pins every image, on the default ports", () => {
    const { config } = readStackFile("prod");
    expect(config.edge).toEqual({ httpPort: 80, httpsPort: 443 });
    expect(Object.values(config.images).map(({ kind }) => kind)).toEqual(["registry", "registry", "registry"]);
  });

  test("none holds a passphrase's salt, which belongs to one machine", () => {
    expect(readFileSync("Pulumi.dev.yaml", "utf8")).not.toContain("encryptionsalt");
    expect(readFileSync("Pulumi.prod.yaml", "utf8")).not.toContain("encryptionsalt");
  });
});
