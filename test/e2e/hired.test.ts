import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { type ComponentName, componentsWith, ownVolumes } from "../../contract/names.ts";
import { type Outcome, TestFactory } from "./harness.ts";

const canaries = {
  forge: "canary-forge-token-2342",
  agents: "canary-agents-key-2342",
  bobsForge: "canary-bob-forge-2342",
  bobs: "canary-bob-key-2342",
};

const network = `e2e-${randomBytes(4).toString("hex")}-shared`;
const roles = ["dev"];
const bob = { roles, model: { url: `http://${network}-models:8000`, name: "qwen" } };
const both = { bob, eve: { roles: ["review"], pollInterval: "5m" } };
const changedEve = { ...both.eve, pollInterval: "6m" };

let factory: TestFactory;
let repository: string;

beforeAll(async () => {
  repository = mkdtempSync(join(tmpdir(), "factory-snapshots-"));
  factory = await TestFactory.create({
    network,
    forge: { url: "http://localhost:1", repo: "acme/website" },
    // Longer than another hired agent takes to be made anew: pulumi begins nothing more once something has failed.
    agents: { drain: { timeout: "30s" } },
  });
  await setSecret("disinto:snapshotPassword", "canary-password-2342");
  await pulumi(`pulumi config set --stack test --path 'disinto:snapshots.repository' ${repository}`);
  await pulumi("pulumi config set --stack test --path 'disinto:agents.environment.CLAUDE_TIMEOUT' 7200");
  await setSecret("disinto:forgeToken", canaries.forge);
  await setSecret("disinto:agentSecrets.ANTHROPIC_API_KEY", canaries.agents);
  await setSecret("disinto:hiredSecrets.bob.FORGE_TOKEN", canaries.bobsForge);
  await setSecret("disinto:hiredSecrets.bob.ANTHROPIC_API_KEY", canaries.bobs);
  hire(both);
});

afterAll(async () => {
  await factory?.docker("rm", "--force", "--volumes", `${network}-models`).catch(() => undefined);
  await factory?.dispose();
  await factory?.docker("network", "rm", network).catch(() => undefined);
  if (repository !== undefined) rmSync(repository, { recursive: true, force: true });
});

async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}

const pulumi = (script: string, input = "") => succeeds(factory.plain(script, {}, input));
const up = () => succeeds(factory.factory("up", ["--yes"]));

const setSecret = (path: string, value: string) =>
  pulumi(`pulumi config set --stack test --secret --path '${path}'`, value);

/** Writes into the stack's file who is hired; all else in it stays, secrets as well. */
function hire(hired: Partial<typeof both>): void {
  const file = join(factory.directory, "Pulumi.test.yaml");
  const document = parseDocument(readFileSync(file, "utf8"));
  document.setIn(["config", "disinto:agents", "hired"], document.createNode(hired));
  writeFileSync(file, document.toString({ lineWidth: 0 }));
}

const exists = async (name: string) =>
  (await factory.docker("ps", "--all", "--quiet", `--filter=name=^${name}$`)) !== "";

async function idsOf(...components: ComponentName[]): Promise<string[]> {
  return Promise.all(components.map(async (component) => (await factory.inspect(component)).Id));
}

describe("on a network of somebody else's", () => {
  test("that is not there, nothing is made, and one sentence says so", async () => {
    const { exitCode, all } = await factory.factory("up", ["--yes"]);
    expect(exitCode).toBe(1);
    expect(all).toContain(`There is no network ${network} (disinto:network)`);
    expect(all).toContain(`docker network create ${network}`);
    expect(all).not.toContain("    at ");
    expect(await factory.leftovers()).toEqual([]);
  });

  test("the factory comes up with its hired agents, each on its own volumes, and then has no changes", async () => {
    await factory.docker("network", "create", network);
    await up();
    for (const name of ["bob", "eve"] as const) {
      const { State, Image, Config, Mounts } = await factory.inspect(`agents-${name}`);
      expect(State.Health?.Status).toBe("healthy");
      expect(Image).toBe((await factory.inspect("agents")).Image);
      expect(Config.Labels["io.disinto.component"]).toBe(`agents-${name}`);
      expect(Mounts.map(({ Name }) => Name).sort()).toEqual(
        [...ownVolumes(name), "projects" as const].map((key) => factory.volumeName(key)).sort(),
      );
    }
    const variables = (await factory.inspect("agents-bob")).Config.Env;
    expect(variables).toEqual(
      expect.arrayContaining(["AGENT_ROLES=dev", "POLL_INTERVAL=60", "CLAUDE_TIMEOUT=7200", "ANTHROPIC_MODEL=qwen"]),
    );
    expect((await up()).stdout).toContain("no changes");
  });

  test("another container there is reached by its name, and the factory makes no network", async () => {
    const { Image } = await factory.inspect("agents");
    const serve = "busybox mkdir /www; echo here > /www/index.html; busybox httpd -f -p 8000 -h /www";
    const entry = ["--entrypoint=/bin/sh", Image, "-c", serve];
    await factory.docker("run", "--detach", `--name=${network}-models`, `--network=${network}`, ...entry);
    const agent = factory.containerName("agents-bob");
    // The static busybox knows names in nslookup alone.
    const look = `address=$(busybox nslookup ${network}-models | busybox awk '/^Address: / { print $2 }')
      for try in 1 2 3 4 5 6 7 8 9; do
        printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc "$address" 8000 && exit; busybox sleep 1
      done`;
    expect(await factory.docker("exec", agent, "sh", "-c", look)).toContain("here");
    expect(await factory.docker("network", "ls", "--quiet", `--filter=name=${factory.name}`)).toBe("");
  });
});

describe("planted secrets", () => {
  test.each([
    ["the forge's token", canaries.forge, ["agents", "agents-eve", "reproduce"]],
    ["the agents' own", canaries.agents, ["agents"]],
    ["a hired agent's forge token", canaries.bobsForge, ["agents-bob"]],
    ["a hired agent's own", canaries.bobs, ["agents-bob"]],
  ])("%s: only where it belongs", async (_, canary, holders) => {
    const found: string[] = [];
    for (const component of componentsWith(["bob", "eve"])) {
      if (JSON.stringify(await factory.inspect(component)).includes(canary)) found.push(component);
    }
    expect(found.sort()).toEqual(holders);
  });

  test("are in no exported state and in no file, and no agent sees another's", async () => {
    const state = await pulumi("pulumi stack export --stack test");
    const file = await pulumi("cat Pulumi.test.yaml");
    expect(state.stdout).toContain("agents-bob");
    for (const canary of Object.values(canaries)) {
      expect(state.all).not.toContain(canary);
      expect(file.all).not.toContain(canary);
    }
  });
});

describe("a hired agent", () => {
  const write = "echo kept > /v/file; busybox chown 1000:1000 /v/file";
  const read = "busybox stat -c %u:%g /v/file; busybox cat /v/file";

  test("is in status", async () => {
    const { components, volumes } = JSON.parse((await succeeds(factory.factory("status", ["--json"]))).stdout);
    const names = components.map(({ component, state }: { component: string; state: string }) => [component, state]);
    expect(names).toContainEqual(["agents-bob", "running"]);
    expect(volumes.map(({ volume }: { volume: string }) => volume)).toContain(factory.volumeName("project-repos-bob"));
  });

  test("that is at work is not replaced, and keeps nobody else from it", async () => {
    const busy = (command: string) =>
      factory.docker("exec", factory.containerName("agents-bob"), "busybox", command, "/busy");
    const before = await idsOf("agents-bob");
    const [eve] = await idsOf("agents-eve");
    await busy("touch");
    hire({ bob: { ...bob, model: { ...bob.model, name: "another" } }, eve: changedEve });
    const { exitCode, all } = await factory.factory("up", ["--yes"]);
    expect(exitCode).toBe(1);
    expect(all).toContain(`Still at work after 30 s: ${factory.containerName("agents-bob")}`);
    expect(all).toContain(`${factory.containerName("agents-bob")} was not touched.`);
    expect(await idsOf("agents-bob")).toEqual(before);
    expect(await idsOf("agents-eve")).not.toEqual([eve]);
    await busy("rm");
  });

  test("has its data in a snapshot, and gets it back from there", async () => {
    await factory.onVolume("agents-bob-data", "echo then > /v/file");
    await succeeds(factory.factory("snapshot"));
    const [snapshot] = JSON.parse((await succeeds(factory.factory("snapshots", ["--json"]))).stdout);
    expect(snapshot.volumes).toEqual(expect.arrayContaining([...ownVolumes("bob"), ...ownVolumes("eve")]));
    await factory.onVolume("agents-bob-data", "echo now > /v/file");
    const restored = await succeeds(factory.factory("restore", [snapshot.id, "--volume", "agents-bob-data", "--yes"]));
    expect(restored.stdout).toContain(`Stopped for it, and started after: ${factory.containerName("agents-bob")}`);
    expect(await factory.onVolume("agents-bob-data", "busybox cat /v/file")).toBe("then");
  });

  test("that is let go leaves its data on the host, and everybody else at work", async () => {
    for (const key of ownVolumes("bob")) await factory.onVolume(key, write);
    const others = await idsOf("agents", "agents-eve", "edge", "runner");
    hire({ eve: changedEve });
    await up();
    expect(await exists(factory.containerName("agents-bob"))).toBe(false);
    for (const key of ownVolumes("bob")) expect(await factory.onVolume(key, read)).toBe("1000:1000\nkept");
    expect(await idsOf("agents", "agents-eve", "edge", "runner")).toEqual(others);
    expect((await up()).stdout).toContain("no changes");
  });

  test("that is hired again finds its data", async () => {
    hire({ bob, eve: changedEve });
    await up();
    expect((await factory.inspect("agents-bob")).State.Health?.Status).toBe("healthy");
    for (const key of ownVolumes("bob")) expect(await factory.onVolume(key, read)).toBe("1000:1000\nkept");
  });
});

test("destroy leaves the network that is somebody else's, and every volume", async () => {
  await succeeds(factory.factory("destroy", ["--yes"]));
  const left = await factory.leftovers();
  expect(left.filter((name) => name.includes("-agents"))).toEqual([]);
  for (const key of [...ownVolumes("bob"), ...ownVolumes("eve")]) expect(left).toContain(factory.volumeName(key));
  const inside = await factory.docker("network", "inspect", "--format={{range .Containers}}{{.Name}} {{end}}", network);
  expect(inside.trim()).toBe(`${network}-models`);
});
