import { describe, expect, test } from "vitest";
import { mountOption } from "../../../operations/migrate/place.ts";
import type { Content } from "../../../operations/migrate/plan/contents.ts";
import { planData } from "../../../operations/migrate/plan/data.ts";
import type { Facts, VolumeFact } from "../../../operations/migrate/plan/facts.ts";
import { readSettings, withoutEmpty } from "../../../operations/migrate/plan/settings.ts";
import type { Deployment, Mount, Service } from "../../../operations/migrate/read/deployment.ts";

const service = (name: string, more: Partial<Service> = {}): Service => ({
  name,
  role: { kind: "other" },
  image: { kind: "registry", reference: `ghcr.io/disinto/${name}:v0.1.1` },
  containers: [],
  mounts: [],
  environment: {},
  ports: [],
  networks: ["disinto_disinto-net"],
  difference: [],
  ...more,
});

const volume = (target: string, name: string): Mount => ({ kind: "volume", target, name, readOnly: false });

const forge = { FORGE_URL: "http://forgejo:3000/", FORGE_REPO: "acme/website", FORGE_TOKEN: "secret" };

function deployment(agents: Partial<Service> = {}, ...others: Service[]): Deployment {
  const own = service("agents", { role: { kind: "agents" }, environment: forge, ...agents });
  return {
    directory: "/srv/disinto",
    project: "disinto",
    compose: "v2",
    services: [own, ...others],
    projects: [],
    variables: {},
    unread: [],
  };
}

const full: Content = { files: 2, bytes: 2000, newest: new Date("2026-11-01T12:00:00Z"), ofRoot: 0, names: ["a"] };
const empty: Content = { files: 0, bytes: 0, ofRoot: 0, names: [] };

function facts(
  contents: Record<string, Content> = {},
  volumes: Partial<VolumeFact>[] = [],
  more: Partial<Facts> = {},
): Facts {
  return {
    volumes: volumes.map((fact) => ({ name: "", createdAt: "", isAnonymous: false, users: [], ...fact })),
    contents: new Map(Object.entries(contents)),
    free: 1e12,
    ports: new Map(),
    factories: new Set(),
    ...more,
  };
}

const settings = (from: Deployment, answers = {}, found = facts()) =>
  readSettings("disinto", from, found, { data: {}, ...answers });
const asked = (questions: { asks: string }[]) => questions.map(({ asks }) => asks).join("\n");

describe("what the containers say becomes the stack's file", () => {
  test("version, forge, roles, intervals, network", () => {
    const environment = { ...forge, AGENT_ROLES: "dev, review nonsense", POLL_INTERVAL: "300", CLAUDE_TIMEOUT: "7200" };
    const { config, questions } = settings(deployment({ environment }));
    expect(questions).toEqual([]);
    expect(config).toEqual({
      factoryName: "disinto",
      release: "v0.1.1",
      network: "disinto_disinto-net",
      forge: { url: "http://forgejo:3000", repo: "acme/website" },
      agents: { roles: ["dev", "review"], pollInterval: "300s", environment: { CLAUDE_TIMEOUT: "7200" } },
      edge: { httpPort: 80, httpsPort: 443 },
    });
  });

  test("what is not known to be plain is a secret; the runner's, and what moves the code, stay behind", () => {
    const environment = {
      ...forge,
      ANTHROPIC_API_KEY: "key",
      GITHUB_TOKEN: "gh",
      FACTORY_REPO: "acme/factory",
      EMPTY: "",
    };
    const { config, secrets, notes } = settings(deployment({ environment }));
    expect([...secrets]).toEqual([
      ["forgeToken", "secret"],
      ["agentSecrets.ANTHROPIC_API_KEY", "key"],
    ]);
    expect(JSON.stringify([config, notes])).not.toMatch(/"(key|gh|secret)"/);
    expect(notes).toHaveLength(2);
    expect(notes[0]).toContain("GITHUB_TOKEN does not come along: it is the runner's alone");
  });

  test("secrets that the agents read from files come along too, and the forge of the only project", () => {
    const from = deployment({ environment: { FORGE_TOKEN: "of the container" } });
    from.variables = { FORGE_TOKEN: "of the file", FORGE_REVIEW_TOKEN: "review", COMPOSE_FILE: "x.yml" };
    from.projects = [{ name: "website", file: "website.toml", repo: "acme/website", forgeUrl: "http://forgejo:3000" }];
    const { config, secrets, questions } = settings(from);
    expect(questions).toEqual([]);
    expect(config.forge).toEqual({ url: "http://forgejo:3000", repo: "acme/website" });
    expect([...secrets]).toEqual([
      ["forgeToken", "of the container"],
      ["agentSecrets.FORGE_REVIEW_TOKEN", "review"],
    ]);
    expect(asked(settings(deployment({ environment: {} })).questions)).toContain("FORGE_URL and FORGE_REPO");
  });

  test("a hired agent has its model, roles and token", () => {
    const environment = {
      ...forge,
      FORGE_TOKEN: "hers",
      ANTHROPIC_BASE_URL: "http://models:8080",
      ANTHROPIC_MODEL: "qwen",
      AGENT_ROLES: "dev",
      POLL_INTERVAL: "60",
    };
    const { config, secrets } = settings(
      deployment({}, service("agents-ada", { role: { kind: "hired", agent: "ada" }, environment })),
    );
    expect(config.agents).toEqual({
      hired: { ada: { roles: ["dev"], pollInterval: "60s", model: { url: "http://models:8080", name: "qwen" } } },
    });
    expect(secrets.get("hiredSecrets.ada.FORGE_TOKEN")).toBe("hers");
  });

  test.each([
    ["built", { kind: "build" } as const, "are built from a checkout"],
    ["latest", { kind: "registry", reference: "ghcr.io/disinto/agents:latest" } as const, "pins nothing"],
  ])("agents that are %s have to be given a version", (_, image, says) => {
    expect(asked(settings(deployment({ image })).questions)).toContain(says);
    expect(settings(deployment({ image }), { release: "v0.2.0" }).questions).toEqual([]);
  });

  test("another registry, and an edge of another version", () => {
    const edge = service("edge", {
      role: { kind: "edge" },
      image: { kind: "registry", reference: "hub.example/shop/edge:v0.1.0" },
      ports: [{ host: 8080, container: 80 }],
    });
    const agents = { image: { kind: "registry", reference: "hub.example/shop/agents:v0.1.1" } as const };
    expect(settings(deployment(agents, edge)).config).toMatchObject({
      release: "v0.1.1",
      edgeImage: "hub.example/shop/edge:v0.1.0",
      registry: { server: "hub.example", namespace: "shop" },
      edge: { httpPort: 8080, httpsPort: 443 },
    });
  });

  test("a port of somebody else's is asked for; the ways to CI and staging come along", () => {
    const others = [service("woodpecker"), service("staging")];
    const found = facts({}, [], { ports: new Map([[443, "nginx"]]) });
    const { questions, config } = settings(deployment({}, ...others), {}, found);
    expect(asked(questions)).toBe("Port 443 of the host is nginx's.");
    expect(config.edge).toMatchObject({ routes: [{ path: "/ci" }, { path: "/staging", stripPrefix: true }] });
  });
});

describe("where data comes from", () => {
  const plan = (mounts: Mount[], found: Facts, data = {}) =>
    planData("disinto", deployment({ mounts }), found, { data }, undefined);
  const step = (mounts: Mount[], found: Facts, data = {}) => plan(mounts, found, data).data[0]?.source;

  test("a volume of its name stays, another one and a directory are copied", () => {
    const target = "/home/agent/data";
    expect(step([volume(target, "disinto_agent-data")], facts({ "disinto_agent-data": full }))).toEqual({
      kind: "adopt",
    });
    expect(step([volume(target, "old_data")], facts({ old_data: full }))).toEqual({
      kind: "copy",
      from: { kind: "volume", name: "old_data" },
    });
    const bind: Mount = { kind: "bind", target, source: "/srv/data", readOnly: false, what: "directory" };
    expect(step([bind], facts({ "/srv/data": full }))).toEqual({
      kind: "copy",
      from: { kind: "directory", path: "/srv/data" },
    });
  });

  test("an anonymous volume is offered with the others that may be it, newest first", () => {
    const [here, before] = ["a".repeat(64), "b".repeat(64)];
    const mounts: Mount[] = [{ kind: "anonymous", target: "/home/agent/data", name: here, readOnly: false }];
    const later = { ...full, newest: new Date("2026-11-02") };
    const found = facts({ [here]: empty, [before]: full, "shop_agent-data": later }, [
      { name: here, isAnonymous: true, users: ["agents"] },
      { name: before, isAnonymous: true },
      { name: "shop_agent-data" },
    ]);
    const [question] = plan(mounts, found).questions;
    expect(question?.answers.map((answer) => answer.split("  ")[0])).toEqual([
      `--data agent-data=${here}`,
      "--data agent-data=shop_agent-data",
      `--data agent-data=${before}`,
      "--data agent-data=empty",
    ]);
    expect(step(mounts, found, { "agent-data": { kind: "volume", name: before } })).toMatchObject({
      from: { name: before },
    });
  });

  test("an empty volume is asked about where one of another prefix has files", () => {
    const mounts = [volume("/home/agent/data", "disinto_agent-data")];
    const found = facts({ "disinto_agent-data": empty, "old_agent-data": full }, [
      { name: "disinto_agent-data" },
      { name: "old_agent-data" },
    ]);
    expect(asked(plan(mounts, found).questions)).toContain("is empty where agents has it");
    expect(plan(mounts, facts({ "disinto_agent-data": empty })).questions).toEqual([]);
    expect(plan(mounts, found, { "agent-data": { kind: "volume", name: "disinto_agent-data" } }).questions).toEqual([]);
  });

  test("a volume with files of somebody's is not written over, and a copy has to fit", () => {
    const bind: Mount = {
      kind: "bind",
      target: "/home/agent/data",
      source: "/srv/data",
      readOnly: false,
      what: "directory",
    };
    const found = facts({ "/srv/data": full, "disinto_agent-data": full }, [{ name: "disinto_agent-data" }]);
    expect(asked(plan([bind], found).questions)).toContain("The volume disinto_agent-data is there already");
    expect(asked(plan([bind], { ...facts({ "/srv/data": full }), free: 1000 }).questions)).toContain("The copies need");
  });
});

test("a mount takes any path", () => {
  expect(mountOption({ kind: "directory", path: '/srv/a,b "c"' }, "/to", { readOnly: true })).toBe(
    'type=bind,"src=/srv/a,b ""c""",dst=/to,readonly',
  );
});

test("a section keeps numbers and booleans, and loses what says nothing", () => {
  const says = { port: 0, on: false, name: "x", roles: ["dev"], model: { name: "m" } };
  expect(withoutEmpty({ ...says, none: undefined, text: "", list: [], section: {} })).toEqual(says);
});
