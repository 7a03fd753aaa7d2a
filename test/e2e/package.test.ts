import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { imageNames } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

const forgeToken = "canary-forge-token-of-the-package";
const checkout = resolve(import.meta.dirname, "../..");

let registry: TestRegistry;
let factory: TestFactory;
let work: string;
let tarball: string;
let said = "";

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "factory-package-"));
  registry = await TestRegistry.start();
  const packing = execa("npm", ["pack", "--json", "--pack-destination", work], { cwd: checkout });
  for (const image of imageNames) await registry.push(image, "v0.1.1");
  const { stdout } = await packing;
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as { filename: string }[];
  tarball = join(work, packed?.filename ?? "");
  const { server, namespace, username } = registry;
  factory = await TestFactory.ofPackage(tarball, {
    registry: { server, namespace, username },
    forge: { url: "http://localhost:1", repo: "acme/website" },
    release: "v0.1.1",
  });
});

afterAll(async () => {
  if (factory !== undefined) removeFromNpxCache();
  await factory?.dispose();
  await registry?.dispose();
  rmSync(work, { recursive: true, force: true });
});

/** Where npx has put the package: a directory of that tarball alone. */
const installed = () => realpathSync(join(factory.directory, ".factory/project/node_modules/disinto"));

function removeFromNpxCache(): void {
  const directory = dirname(dirname(installed()));
  if (dirname(directory).endsWith("_npx")) rmSync(directory, { recursive: true });
}

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const withTokens = () => ({ ...trusting(), FORGE_TOKEN: forgeToken, REGISTRY_READ_TOKEN: registry.password });

describe("npx --package <tarball> factory up, in an empty directory", () => {
  test("leads to a running factory", async () => {
    const before = readFileSync(join(factory.directory, "Pulumi.test.yaml"), "utf8");
    const up = await factory.factory("up", ["--yes"], withTokens());
    said += up.all;
    expect(up.exitCode, up.all).toBe(0);
    console.log(`from the command to healthy: ${up.duration.toFixed(1)} s`);
    const { State, Config } = await factory.inspect("agents");
    expect(State.Health?.Status).toBe("healthy");
    expect(Config.Env.join("\n")).toContain(forgeToken);
    expect(readdirSync(factory.directory).sort()).toEqual([".factory", "Pulumi.test.yaml"]);
    expect(readFileSync(join(factory.directory, "Pulumi.test.yaml"), "utf8")).toBe(before);
  });

  test("keeps nothing of the checkout it was packed from, which it did not see either", async () => {
    expect(installed().startsWith(checkout)).toBe(false);
    // Node and Pulumi's programs may lie in the checkout's .factory/; Pulumi notes where they do.
    const path = `\\Q${checkout}\\E(?!/\\.factory/)`;
    const grep = ["-rlP", "--exclude-dir=engine", path, factory.directory, join(installed(), "dist")];
    expect(await execa("grep", grep, { reject: false })).toMatchObject({ stdout: "", exitCode: 1 });
  });

  test("says what it needs where Node is too old", async () => {
    mkdirSync(join(work, "bin"));
    writeFileSync(join(work, "bin/node"), "#!/bin/sh\necho v18.20.0\n", { mode: 0o755 });
    const env = { PATH: `${join(work, "bin")}:/usr/bin:/bin` };
    const { exitCode, stderr } = await execa(join(installed(), "factory"), ["up"], { env, reject: false });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("The factory needs Node 22.18 or newer; node is v18.20.0");
  });

  test("says no changes the second time, without the tokens too", async () => {
    const up = await factory.factory("up", ["--yes"], trusting());
    said += up.all;
    expect(up.all).toContain("no changes.");
    expect(up.all).toContain(`status  npx --package ${tarball} factory status --stack test`);
  });

  test("leaves a project that a plain pulumi works on as well", async () => {
    const env = await factory.factory("env", [], trusting());
    said += env.all;
    const [, command] = /worked on by: (pulumi .*)$/m.exec(env.stderr) ?? [];
    const script = `${env.stdout}\n${command?.replace(" up ", " preview ")} --expect-no-changes`;
    const options = {
      cwd: factory.directory,
      env: { ...factory.environment(), ...trusting() },
      reject: false,
      all: true,
    };
    const plain = await execa("sh", ["-c", script], options);
    expect(plain.exitCode, plain.all).toBe(0);
    const preview = ["pulumi", "--", "preview", "--stack", "test", "--expect-no-changes"];
    const own = await execa("npx", ["--yes", "--package", tarball, "factory", ...preview], options);
    expect(own.exitCode, own.all).toBe(0);
  });

  test("writes the tokens nowhere in plain text", async () => {
    for (const secret of [forgeToken, registry.password]) {
      for (const canary of [secret, btoa(secret)]) {
        expect(said).not.toContain(canary);
        const grep = await execa("grep", ["-rlF", canary, factory.directory, installed()], { reject: false });
        expect(grep).toMatchObject({ stdout: "", exitCode: 1 });
      }
    }
  });
});

describe("a Pulumi program of somebody's own that imports the package", () => {
  let program: TestFactory;

  beforeAll(async () => {
    program = await TestFactory.ofPackage(tarball, {});
    cpSync(join(import.meta.dirname, "fixtures/library"), program.directory, { recursive: true });
    mkdirSync(join(program.directory, "state"));
    writeFileSync(join(program.directory, "Pulumi.test.yaml"), stringify({ config: { "website:factory": options() } }));
    await succeeds("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", tarball]);
    await pulumi("stack", "init", "test");
    await succeeds("pulumi", ["config", "set", "--secret", "registryToken"], registry.password);
  });

  afterAll(() => program?.dispose());

  const options = () => {
    const { server, namespace, username } = registry;
    const { name: factoryName, httpPort, httpsPort } = program;
    return { factoryName, release: "v0.1.1", registry: { server, namespace, username }, edge: { httpPort, httpsPort } };
  };

  async function succeeds(file: string, args: string[], input = ""): Promise<string> {
    const backend = { PULUMI_BACKEND_URL: `file://${program.directory}/state`, PULUMI_CONFIG_PASSPHRASE: "library" };
    const env = { ...program.environment(), ...trusting(), ...backend };
    const { exitCode, all } = await execa(file, args, { cwd: program.directory, env, input, all: true, reject: false });
    expect(exitCode, all).toBe(0);
    return all;
  }

  const pulumi = (...args: string[]) => succeeds("pulumi", [...args, "--non-interactive"]);

  test("is type-checked against the package's declarations", async () => {
    const strict = ["--strict", "--exactOptionalPropertyTypes"];
    const compiler = [
      "--noEmit",
      ...strict,
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--skipLibCheck",
      "index.ts",
    ];
    await succeeds(join(checkout, "node_modules/.bin/tsc"), compiler);
  });

  test("brings a factory up, changes nothing the second time, and takes it down but for the data", async () => {
    await pulumi("up", "--yes", "--skip-preview");
    expect((await program.inspect("agents")).State.Health?.Status).toBe("healthy");
    await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected");
    const left = await program.leftovers();
    expect(left).toContain(program.volumeName("agent-data"));
    expect(left.filter((name) => name.startsWith(`${program.name}-`))).toEqual([]);
  });
});

describe("npx --package <tarball> factory init, in an empty directory", () => {
  let stack: TestFactory;
  let forge: Server;
  const tokensSeen: string[] = [];

  beforeAll(async () => {
    stack = await TestFactory.ofPackage(tarball, {});
    rmSync(join(stack.directory, "Pulumi.test.yaml"));
    forge = createServer(({ headers, url }, response) => {
      tokensSeen.push(String(headers.authorization));
      response.writeHead(url === "/api/v1/repos/acme/website" ? 200 : 404).end("{}");
    }).listen(0);
  });

  afterAll(async () => {
    forge?.close();
    await stack?.dispose();
  });

  const flags = (repo: string) => [
    ...["--release", "v0.1.1", "--name", stack.name, "--registry", `${registry.server}/${registry.namespace}`],
    ...[
      "--registry-user",
      registry.username,
      "--forge-url",
      `http://localhost:${(forge.address() as AddressInfo).port}`,
    ],
    ...["--forge-repo", repo, "--http-port", String(stack.httpPort), "--https-port", String(stack.httpsPort)],
  ];

  test("names the flags that are missing, where nobody can be asked", async () => {
    const { exitCode, all } = await stack.factory("init", ["--release", "v0.1.1"], trusting());
    expect(exitCode).toBe(2);
    expect(all).toContain("Missing: --forge-url <address>, --forge-repo <owner/name>, FORGE_TOKEN in the environment.");
  });

  test("writes nothing where forge or registry refuse", async () => {
    const tokens = { ...withTokens(), REGISTRY_READ_TOKEN: "wrong" };
    const { exitCode, all } = await stack.factory("init", flags("acme/nothing"), tokens);
    expect(exitCode).toBe(1);
    expect(all).toContain("has no repository acme/nothing (404)");
    expect(all).toContain("/agents:v0.1.1: the registry refuses this login (401)");
    expect(readdirSync(stack.directory)).toEqual([]);
  });

  test("writes a stack's file without a secret, keeps the tokens encrypted, and writes over nothing", async () => {
    const { exitCode, all } = await stack.factory("init", flags("acme/website"), withTokens());
    expect(exitCode, all).toBe(0);
    expect(tokensSeen).toContain(`token ${forgeToken}`);
    expect(readFileSync(join(stack.directory, "Pulumi.test.yaml"), "utf8")).not.toContain("secure");
    const kept = readFileSync(join(stack.directory, ".factory/secrets/test.yaml"), "utf8");
    expect(kept).toMatch(/forgeToken:\s+secure: v1:/);
    for (const secret of [forgeToken, registry.password]) {
      expect(all).not.toContain(secret);
      expect(await execa("grep", ["-rlF", secret, stack.directory], { reject: false })).toMatchObject({ exitCode: 1 });
    }
    const preview = await stack.factory("preview", [], trusting());
    expect(preview.exitCode, preview.all).toBe(0);
    expect((await stack.factory("init", flags("acme/website"), withTokens())).all).toContain("not written over");
  });
});
