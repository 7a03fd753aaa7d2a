import { beforeAll, describe, expect, test } from "vitest";
import { agentsSpec } from "../../components/agents.ts";
import type { FactoryImage } from "../../components/factory-image.ts";
import { hiredSpec } from "../../components/hired.ts";
import { parseConfig } from "../../config/parse.ts";
import { refusedVariable } from "../../config/variables.ts";
import { findMountProblems, volumeMounts } from "../../contract/mounts.ts";
import { isVolumeKey, volumesWith } from "../../contract/names.ts";
import { isSecret, plain, type Registration, recordRegistrations, resolved, settled } from "./recorder.ts";

const roles = ["dev"];
const bob = { roles, model: { url: "http://models:8000", name: "qwen" }, environment: { OWN: "1" } };
const values: Record<string, unknown> = {
  factoryName: "acme",
  release: "v0.1.1",
  forge: { url: "https://forge.internal", repo: "acme/website" },
  forgeToken: "canary-forge",
  agents: {
    environment: { SHARED: "yes" },
    claudeDir: "/srv/claude",
    hired: { bob, eve: { roles, pollInterval: "5m" } },
  },
  agentSecrets: { ANTHROPIC_API_KEY: "canary-agents" },
  hiredSecrets: { bob: { FORGE_TOKEN: "canary-bob", API_KEY: "canary-key" } },
};

let registrations: Registration[];

beforeAll(async () => {
  registrations = await register(values);
});

async function register(config: Record<string, unknown>): Promise<Registration[]> {
  const recorded = await recordRegistrations();
  const { createDockerHost } = await import("../../components/docker-host.ts");
  const { Factory } = await import("../../components/factory.ts");
  const { resolveDigests } = await import("../../program/resolve-digests.ts");
  const texts = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const secrets = new Set(["forgeToken", "agentSecrets", "hiredSecrets"]);
  const checked = parseConfig({ stack: "test", values: Object.fromEntries(texts), secrets });
  const host = createDockerHost("docker-host", checked);
  const images = await resolveDigests(checked.images, host);
  const factory = new Factory("factory", { ...checked, images }, { providers: { docker: host } });
  await Promise.all(Object.values(factory.imageIds).map(resolved));
  await settled();
  return recorded;
}

// biome-ignore lint/suspicious/noExplicitAny: what a provider is sent is JSON.
function inputsOf(type: string, name: string, among = registrations): any {
  const found = among.find((registration) => registration.type === type && registration.name === name);
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found.inputs;
}

const container = (name: string, among = registrations) => inputsOf("docker:index/container:Container", name, among);
const gate = (name: string) => inputsOf("command:local:Command", name);
const variablesOf = (name: string) => plain(container(name).envs) as string[];

describe("a hired agent", () => {
  test("has a container of the agents' image under its name", () => {
    expect(container("agents-bob")).toMatchObject({
      name: "acme-agents-bob",
      image: container("agents").image,
      memory: container("agents").memory,
      restart: "unless-stopped",
    });
    expect(container("agents-bob").labels).toContainEqual({ label: "io.disinto.component", value: "agents-bob" });
    expect(gate("agents-bob-finish").environment).toMatchObject({ GATE_COMPONENT: "agents-bob", GATE_RUN: "service" });
  });

  test("is in a component of the type that the factory's own agents have, as stacks know it", () => {
    const typesOf = (wanted: string) => registrations.filter(({ name }) => name === wanted).map(({ type }) => type);
    for (const name of ["agents", "agents-bob"]) expect(typesOf(name)).toContain("disinto:index:Agents");
    expect(typesOf("runner")).toContain("disinto:index:Runner");
    expect(typesOf("reproduce")).toContain("disinto:index:Reproduce");
    expect(typesOf("edge")).toContain("disinto:index:Edge");
  });

  test("works on volumes of its own, and on the factory's projects", () => {
    const { mounts } = container("agents-bob");
    expect(mounts).toEqual([
      { type: "volume", source: "acme_agents-bob-data", target: "/home/agent/data" },
      { type: "volume", source: "acme_project-repos-bob", target: "/home/agent/repos" },
      { type: "volume", source: "acme_projects", target: "/home/agent/disinto/projects" },
      { type: "volume", source: "acme_agents-bob-state", target: "/home/agent/disinto/state" },
      { type: "bind", source: "/srv/claude", target: "/srv/claude" },
    ]);
    const inspected = volumeMounts("agents-bob").map(({ path, volume, readOnly }) => {
      return { Type: "volume", Name: `acme_${volume}`, Destination: path, RW: !readOnly };
    });
    expect(findMountProblems("acme", "agents-bob", inspected)).toEqual([]);
    expect(findMountProblems("acme", "agents-eve", inspected)).toHaveLength(3);
  });

  test("has the agents' variables, and its own over them", () => {
    const [agents, hired] = [variablesOf("agents"), variablesOf("agents-bob")];
    for (const variable of ["SHARED=yes", "FORGE_REPO=acme/website", "DISINTO_COMPONENT=agents"]) {
      expect(agents).toContain(variable);
      expect(hired).toContain(variable);
    }
    for (const variable of ["POLL_INTERVAL=60", "AGENT_ROLES=dev", "OWN=1", "ANTHROPIC_MODEL=qwen"]) {
      expect(hired).toContain(variable);
      expect(agents).not.toContain(variable);
    }
    expect(hired).toContain("ANTHROPIC_BASE_URL=http://models:8000");
    expect(variablesOf("agents-eve").join()).not.toContain("ANTHROPIC");
    expect(variablesOf("agents-eve")).toContain("POLL_INTERVAL=300");
  });

  test("is drained on its own, after the factory's own agents: hiring one waits for nobody else", async () => {
    expect(plain(gate("drain").triggers)).toHaveLength(3);
    expect(gate("drain").environment.GATE_COMPONENT).toBe("agents");
    expect(plain(gate("drain-agents-bob").triggers)).toHaveLength(1);
    expect(gate("drain-agents-bob").environment.GATE_COMPONENT).toBe("agents-bob");
  });

  test("is in a release's watch", () => {
    expect(JSON.parse(gate("release-record").environment.GATE_HIRED)).toEqual(["bob", "eve"]);
    expect(gate("release-record").triggers).toEqual(
      expect.arrayContaining(["agents-bob-id", "agents-eve-id", "edge-id"]),
    );
  });
});

describe("data volumes of a hired agent", () => {
  test("are in the contract", () => {
    const keys = volumesWith(["bob"]);
    expect(keys.slice(5)).toEqual(["agents-bob-data", "project-repos-bob", "agents-bob-state"]);
    expect(keys.filter((key) => !isVolumeKey(key))).toEqual([]);
    expect(["agents-data", "data", "agents-bob-cache"].filter(isVolumeKey)).toEqual([]);
  });

  test("are made under its name", () => {
    for (const key of volumesWith(["bob", "eve"])) {
      expect(inputsOf("docker:index/volume:Volume", key).name).toBe(`acme_${key}`);
    }
  });
});

describe("secrets", () => {
  const holders = (canary: string) =>
    registrations.filter(({ inputs }) => JSON.stringify(inputs).includes(canary)).map(({ name }) => name);

  test("are with whom they are given to, and nobody else", () => {
    expect(holders("canary-agents")).toEqual(["agents"]);
    expect(holders("canary-bob")).toEqual(["agents-bob"]);
    expect(holders("canary-key")).toEqual(["agents-bob"]);
    expect(holders("canary-forge").sort()).toEqual(["agents", "agents-eve", "reproduce"]);
    for (const name of ["agents", "agents-bob", "agents-eve"]) expect(isSecret(container(name).envs)).toBe(true);
  });

  test("that agents cannot have are refused in a program of one's own too", async () => {
    const { secretVariables } = await import("../../components/hired.ts");
    expect(() => secretVariables({ NPM_TOKEN: "canary" })).toThrow("NPM_TOKEN of agents is the runner's alone");
    expect(() => secretVariables({ NPM_TOKEN: "canary" })).not.toThrow("canary");
  });
});

test("every variable that the factory sets is refused where people set variables", () => {
  const { agents } = parseConfig({ stack: "test", values: {}, secrets: new Set() });
  const image = { labels: { version: "v0.1.1", reference: "x" } } as FactoryImage;
  const hired = { roles: ["dev" as const], pollInterval: 60, environment: {}, model: { url: "http://x", name: "y" } };
  const own = agentsSpec({ factory: "acme", image, agents });
  const ofHired = hiredSpec({ name: "bob", hired, factory: "acme", image, agents });
  const open = (names: string[], whose: { hired?: string }) =>
    names.filter((name) => refusedVariable({ name, secret: false, ...whose }) === undefined);
  expect(open(Object.keys(own.environment), {})).toEqual([]);
  expect(open(Object.keys(ofHired.environment), { hired: "bob" })).toEqual([]);
});

describe("a network of somebody else's", () => {
  test("is joined, and none is made", async () => {
    const joined = await register({ ...values, network: "forge_default" });
    expect(joined.filter(({ type }) => type === "docker:index/network:Network")).toEqual([]);
    for (const name of ["agents", "runner", "reproduce", "edge", "agents-bob"]) {
      expect(container(name, joined).networksAdvanced).toEqual([{ name: "forge_default-found", aliases: [name] }]);
    }
    const { GATE_SPEC } = inputsOf("command:local:Command", "agents-canary", joined).environment;
    expect(JSON.parse(GATE_SPEC).network).toBe("forge_default");
  });
});
