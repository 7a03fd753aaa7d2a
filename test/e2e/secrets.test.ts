import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentNames, imageNames } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

const forgeToken = "canary-forge-token-2342";

let registry: TestRegistry;
let factory: TestFactory;
let said = "";
const commandLines = new Set<string>();

/** Everything the planted secrets are looked for as. */
const canaries = () => [forgeToken, registry.password].flatMap((secret) => [secret, btoa(secret)]);

beforeAll(async () => {
  registry = await TestRegistry.start();
  for (const version of ["v0.1.1", "v0.2.0"]) {
    for (const image of imageNames) await registry.push(image, version);
  }
  factory = await TestFactory.create();
  const { server, namespace, username } = registry;
  await factory.configure({
    build: undefined,
    registry: { server, namespace, username },
    forge: { url: "http://localhost:1", repo: "acme/website" },
    release: "v0.1.1",
  });
  await setSecret("registryToken", registry.password);
  await setSecret("forgeToken", forgeToken);
  const watching = watchProcesses();
  await succeeds(factory.factory("up", ["--yes"], trusting()));
  await succeeds(factory.plain("pulumi config set --stack test disinto:release v0.2.0", trusting()));
  await succeeds(factory.factory("preview", ["--markdown"], trusting()));
  await succeeds(factory.factory("preview", ["--diff"], trusting()));
  await succeeds(factory.plain("pulumi up --stack test --yes --diff", trusting()));
  await succeeds(factory.factory("rollback", ["--yes"], trusting()));
  await succeeds(factory.factory("history", [], trusting()));
  clearInterval(watching);
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
});

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });

async function succeeds(running: Promise<Outcome>): Promise<void> {
  const { exitCode, all } = await running;
  expect(exitCode, all).toBe(0);
  said += all;
}

/** By standard input: an argument would show in the process list of the test itself. */
function setSecret(key: string, value: string): Promise<void> {
  const command = `pulumi config set --stack test --secret disinto:${key}`;
  return succeeds(factory.plain(command, trusting(), value));
}

/** Collects the command lines of all processes on this machine. */
function watchProcesses(): NodeJS.Timeout {
  return setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        commandLines.add(readFileSync(join("/proc", pid, "cmdline"), "utf8"));
      } catch {
        // It has ended.
      }
    }
  }, 20);
}

describe("planted secrets are not", () => {
  function expectNone(text: string): void {
    for (const canary of canaries()) expect(text).not.toContain(canary);
  }

  test("in what up, preview, its comment, rollback and history print", () => {
    expect(said).toContain("<!-- factory preview: test -->");
    expectNone(said);
  });

  test("in the process list", () => {
    const all = [...commandLines].join("\n");
    expect(all).toContain("pulumi-resource-docker");
    expectNone(all);
  });

  test("in the exported state, nor in any file of the project", async () => {
    const state = await factory.plain("pulumi stack export --stack test", trusting());
    expect(state.stdout).toContain(factory.name);
    expectNone(state.all);
    for (const canary of canaries()) {
      const grep = ["-rlF", "--exclude-dir=node_modules", "--exclude-dir=test", canary, factory.directory];
      expect(await execa("grep", grep, { reject: false })).toMatchObject({ stdout: "", exitCode: 1 });
    }
  });

  test("in containers that must not have them: the forge's token is with agents and reproduce, the registry's nowhere", async () => {
    for (const component of componentNames) {
      const inspected = JSON.stringify(await factory.inspect(component));
      expect(inspected).not.toContain(registry.password);
      expect(inspected.includes(forgeToken)).toBe(component === "agents" || component === "reproduce");
      expectNone(await factory.docker("logs", factory.containerName(component)));
    }
  });

  test("in an image's history or config, a volume's or a network's labels", async () => {
    for (const image of await factory.ownImages()) {
      expectNone(await factory.docker("history", "--no-trunc", image));
      expectNone(await factory.docker("image", "inspect", image));
    }
    const network = (await factory.leftovers()).filter((name) => name.includes("_"));
    for (const name of network) expectNone(await factory.docker("inspect", name));
  });
});
