import { beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import { componentNames, containers, edgeStatePath, imageNames, images, volumes } from "../../contract/names.ts";
import {
  isSecret,
  plain,
  type Registration,
  recordRegistrations,
  resolved,
  resolvedDigest,
  settled,
} from "./recorder.ts";

const canary = "canary-forge-token";

const values = {
  factoryName: "acme",
  forge: JSON.stringify({ url: "https://forge.internal", repo: "acme/website" }),
  forgeToken: canary,
};

let local: Registration[];
let pinned: Registration[];

beforeAll(async () => {
  local = await register(values);
  pinned = await register({ ...values, release: "v0.1.1" });
});

async function register(config: Record<string, string>): Promise<Registration[]> {
  const registrations = await recordRegistrations();
  const { createDockerHost } = await import("../../components/docker-host.ts");
  const { Factory } = await import("../../components/factory.ts");
  const { resolveDigests } = await import("../../program/resolve-digests.ts");
  const checked = parseConfig({ stack: "test", values: config, secrets: new Set(["forgeToken", "registryToken"]) });
  const host = createDockerHost("docker-host", checked);
  const images = await resolveDigests(checked.images, host);
  const factory = new Factory("factory", { ...checked, images }, { providers: { docker: host } });
  await Promise.all(Object.values(factory.imageIds).map(resolved));
  await settled();
  return registrations;
}

function ofType(registrations: Registration[], type: string): Registration[] {
  return registrations.filter((registration) => registration.type === type);
}

const container = (registrations: Registration[]) => ofType(registrations, "docker:index/container:Container");

// biome-ignore lint/suspicious/noExplicitAny: what a provider is sent is JSON.
function inputsOf(registrations: Registration[], name: string): any {
  const found = container(registrations).find((registration) => registration.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found.inputs;
}

// biome-ignore lint/suspicious/noExplicitAny: what a provider is sent is JSON.
function gate(registrations: Registration[], name: string): any {
  return ofType(registrations, "command:local:Command").find((registration) => registration.name === name)?.inputs;
}

describe("names on the host", () => {
  test("are the contract's", () => {
    const nameOf = ({ inputs }: Registration) => inputs.name;
    expect(container(local).map(nameOf).sort()).toEqual(["acme-agents", "acme-edge", "acme-reproduce", "acme-runner"]);
    expect(ofType(local, "docker:index/network:Network").map(nameOf)).toEqual(["acme_disinto-net"]);
    expect(ofType(local, "docker:index/volume:Volume").map(nameOf).sort()).toEqual([
      "acme_agent-data",
      "acme_caddy_data",
      "acme_project-repos",
      "acme_projects",
      "acme_state",
    ]);
  });

  test("of resources do not depend on the factory's name: a changed factoryName is a change, not another program", async () => {
    const other = await register({ ...values, factoryName: "other" });
    expect(other.map(({ type, name }) => `${type} ${name}`).sort()).toEqual(
      local.map(({ type, name }) => `${type} ${name}`).sort(),
    );
  });
});

describe("the edge", () => {
  test("is handed its routes, where there are any", async () => {
    const edge = JSON.stringify({ routes: [{ path: "/ci", upstream: "http://woodpecker:8000" }] });
    const withRoutes = await register({ ...values, edge });
    expect(inputsOf(withRoutes, "edge").envs).toContain(
      'EDGE_ROUTES=[{"path":"/ci","upstream":"http://woodpecker:8000","stripPrefix":false}]',
    );
    const none = await register({ ...values, edge: JSON.stringify({ routes: [] }) });
    for (const without of [local, none]) expect(inputsOf(without, "edge")).toEqual(inputsOf(local, "edge"));
    expect(JSON.stringify(inputsOf(local, "edge"))).not.toContain("EDGE_ROUTES");
  });
});

describe("data volumes", () => {
  test.each(componentNames)("lie under every VOLUME path of %s, so that none can be anonymous", (component) => {
    const table: Record<string, string> = images[containers[component]];
    const mounts: { target: string; source: string; type: string; readOnly?: boolean }[] = inputsOf(
      local,
      component,
    ).mounts;
    for (const [target, volume] of Object.entries(table)) {
      expect(mounts).toContainEqual({ type: "volume", source: `acme_${volume}`, target });
    }
    const state = { type: "volume", source: "acme_state", target: edgeStatePath, readOnly: true };
    expect(mounts.filter(({ target }) => !(target in table))).toEqual(component === "edge" ? [state] : []);
    // The vendor's plugin refuses volumeOptions with a Docker before API 1.45.
    expect(JSON.stringify(mounts)).not.toContain("volumeOptions");
  });

  test("are the contract's five, each used", () => {
    const used = new Set(imageNames.flatMap((image) => Object.values<string>(images[image])));
    expect([...used].sort()).toEqual([...volumes].sort());
  });
});

describe("images", () => {
  test("are built where none is configured, and the runner runs the agents'", () => {
    expect(ofType(local, "docker:index/remoteImage:RemoteImage")).toEqual([]);
    expect(
      ofType(local, "docker:index/image:Image")
        .map(({ inputs }) => inputs.imageName)
        .sort(),
    ).toEqual(["acme/agents:dev", "acme/edge:dev", "acme/reproduce:dev"]);
    expect(inputsOf(local, "runner").image).toBe("sha256:built-agents-image");
    expect(inputsOf(local, "agents").image).toBe("sha256:built-agents-image");
  });

  test("are pulled where a version is, and kept for a rollback", () => {
    expect(ofType(pinned, "docker:index/image:Image")).toEqual([]);
    expect(ofType(pinned, "docker:index/remoteImage:RemoteImage").map(({ inputs }) => inputs)).toContainEqual({
      name: `ghcr.io/disinto/agents:v0.1.1@${resolvedDigest}`,
      keepLocally: true,
    });
    expect(inputsOf(pinned, "runner").image).toBe("sha256:pulled-agents-image");
    expect(inputsOf(pinned, "agents").image).toBe("sha256:pulled-agents-image");
  });

  test("of a release are recorded once the services have become healthy; built ones are not", () => {
    const recorded = (registrations: Registration[]) => gate(registrations, "release-record");
    expect(JSON.parse(recorded(pinned).environment.GATE_IMAGES)).toEqual([
      { image: "agents", version: "v0.1.1", id: "sha256:pulled-agents-image" },
      { image: "reproduce", version: "v0.1.1", id: "sha256:pulled-reproduce-image" },
      { image: "edge", version: "v0.1.1", id: "sha256:pulled-edge-image" },
    ]);
    expect(recorded(pinned).triggers).toEqual(expect.arrayContaining(["agents-id", "edge-id"]));
    expect(JSON.parse(recorded(local).environment.GATE_IMAGES)).toEqual([]);
  });

  test("with a digest are not looked up", async () => {
    const agentsImage = `ghcr.io/disinto/agents:v0.1.0@sha256:${"0".repeat(64)}`;
    const remote = ofType(await register({ agentsImage }), "docker:index/remoteImage:RemoteImage");
    expect(remote.map(({ inputs }) => inputs.name)).toEqual([agentsImage]);
  });

  test("pin the code: nothing that moves is passed to a pinned container", () => {
    for (const { inputs } of container(pinned)) {
      const envs = plain(inputs.envs) as string[];
      expect(envs.filter((env) => env.startsWith("FACTORY_REPO"))).toEqual([]);
      expect(envs).toContain("DISINTO_VERSION=v0.1.1");
    }
  });
});

describe("every container", () => {
  test.each(componentNames)("%s has the secure defaults", (component) => {
    const inputs = inputsOf(local, component);
    expect(inputs).toMatchObject({
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
      logOpts: { "max-size": "10m", "max-file": "3" },
      removeVolumes: false,
      memorySwap: inputs.memory,
    });
    expect(inputs.memory).toBeGreaterThan(0);
    expect(inputs.privileged).toBeUndefined();
    expect(JSON.stringify(inputs)).not.toContain("docker.sock");
    expect(inputs.capabilities.adds.every((name: string) => name.startsWith("CAP_"))).toBe(true);
  });

  test.each(componentNames)("%s is given its pids limit, and is looked at, when it is there", (component) => {
    const finish = ofType(local, "command:local:Command").find(({ name }) => name === `${component}-finish`);
    expect(finish?.inputs).toMatchObject({
      create: "node gates/main.ts finish",
      environment: {
        GATE_CONTAINER: `${component}-id`,
        GATE_PIDS: component === "edge" ? "512" : "2048",
        GATE_RUN: component === "agents" || component === "edge" ? "service" : "task",
        DOCKER_HOST: "unix:///var/run/docker.sock",
      },
      triggers: [`${component}-id`, component === "edge" ? "512" : "2048"],
    });
  });

  test.each(componentNames)("%s is labelled with factory, component, reference and version", (component) => {
    const labels = Object.fromEntries(
      inputsOf(pinned, component).labels.map(({ label, value }: { label: string; value: string }) => [label, value]),
    );
    expect(labels).toEqual({
      "io.disinto.factory": "acme",
      "io.disinto.component": component,
      "io.disinto.image": `ghcr.io/disinto/${containers[component]}:v0.1.1@${resolvedDigest}`,
      "org.opencontainers.image.version": "v0.1.1",
    });
  });

  test("runs and restarts if it is a service, waits to be started if it is a task", () => {
    for (const service of ["agents", "edge"]) {
      expect(inputsOf(local, service)).toMatchObject({ restart: "unless-stopped" });
    }
    for (const task of ["runner", "reproduce"]) {
      expect(inputsOf(local, task)).toMatchObject({ restart: "no", start: false, mustRun: false });
    }
  });
});

describe("the forge's token", () => {
  test("reaches agents and reproduce, as a secret, and nothing else", () => {
    const holders = local.filter(({ inputs }) => JSON.stringify(inputs).includes(canary)).map(({ name }) => name);
    expect(holders.sort()).toEqual(["agents", "reproduce"]);
    expect(
      container(local)
        .filter(({ inputs }) => isSecret(inputs.envs))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["agents", "reproduce"]);
  });

  test("is in no label and no name", () => {
    for (const { inputs } of local) {
      expect(JSON.stringify([inputs.labels, inputs.name])).not.toContain(canary);
    }
  });
});

describe("the registry's token", () => {
  test("is a secret of the provider, for its registry alone", async () => {
    const registrations = await register({ release: "v0.1.1", registryToken: "canary-registry-token" });
    const holders = registrations.filter(({ inputs }) => JSON.stringify(inputs).includes("canary-registry-token"));
    expect(holders.map(({ type }) => type)).toEqual(["pulumi:providers:docker"]);
    expect(isSecret(holders[0]?.inputs.registryAuth)).toBe(true);
    expect(JSON.parse(plain(holders[0]?.inputs.registryAuth) as string)).toEqual([
      { address: "ghcr.io", username: "factory", password: "canary-registry-token" },
    ]);
  });
});

describe("before a container is replaced", () => {
  test.each(["agents", "edge"])("%s is tried as a canary, without a secret", async (component) => {
    const { environment, triggers } = gate(local, `${component}-canary`);
    const spec = JSON.parse(environment.GATE_SPEC);
    expect(spec).toMatchObject({
      factory: "acme",
      component,
      container: `acme-${component}`,
      network: "acme_disinto-net",
      image: `sha256:built-${component}-image`,
    });
    expect(spec.environment).toContain("FORGE_URL=https://forge.internal");
    expect(environment.GATE_SPEC).not.toContain(canary);
    expect(triggers).toEqual([`sha256:built-${component}-image`]);
  });

  test("its work is waited for, where anything of agents, runner or reproduce changes, and not for the edge", async () => {
    const triggers = async (config: Record<string, string>) =>
      plain(gate(await register({ ...values, ...config }), "drain").triggers) as string[];
    const before = await triggers({});
    expect(before).toHaveLength(3);
    expect(await triggers({})).toEqual(before);
    expect(await triggers({ edge: JSON.stringify({ httpPort: 81 }) })).toEqual(before);
    expect(await triggers({ agents: JSON.stringify({ drain: { timeout: "1h" } }) })).toEqual(before);
    const [agents, ...tasks] = await triggers({ agents: JSON.stringify({ pollInterval: "1m" }) });
    expect(agents).not.toBe(before[0]);
    expect(tasks).toEqual(before.slice(1));
  });

  test("an agents' drain is as the config says", async () => {
    const drain = { timeout: "90s", onTimeout: "stop", command: ["/app/idle", "-q"] };
    const { environment } = gate(await register({ agents: JSON.stringify({ drain }) }), "drain");
    expect(environment).toMatchObject({
      GATE_TIMEOUT: "90",
      GATE_ONTIMEOUT: "stop",
      GATE_COMMAND: '["/app/idle","-q"]',
    });
  });
});

describe("hooks", () => {
  test("are told the versions, and run where an image changes", async () => {
    const hooks = JSON.stringify({ before: "./notify.sh", after: "true" });
    const registrations = await register({ ...values, hooks });
    for (const [name, command] of [
      ["hook-before", "./notify.sh"],
      ["hook-after", "true"],
    ] as const) {
      const { environment, triggers } = gate(registrations, name);
      expect(environment.GATE_COMMAND).toBe(command);
      expect(JSON.parse(environment.GATE_IMAGES)).toHaveLength(3);
      expect(triggers).toEqual([
        "sha256:built-agents-image",
        "sha256:built-reproduce-image",
        "sha256:built-edge-image",
      ]);
    }
  });

  test("are there without a command too, so that a new one is not an upgrade", () => {
    expect(gate(local, "hook-before").environment.GATE_COMMAND).toBe("");
  });
});

describe("options", () => {
  test("a health check of the config replaces the image's, in Go's canonical durations", async () => {
    const healthCheck = { test: ["CMD", "true"], interval: "90s", timeout: "5s", retries: 2, startPeriod: "1h" };
    const inputs = inputsOf(await register({ agents: JSON.stringify({ healthCheck }) }), "agents");
    expect(inputs.healthcheck).toEqual({
      tests: ["CMD", "true"],
      interval: "1m30s",
      timeout: "5s",
      retries: 2,
      startPeriod: "1h0m0s",
    });
  });

  test("Claude's and ssh's directories are mounted where agents look for them", async () => {
    const agents = JSON.stringify({ claudeDir: "/srv/claude", sshDir: "/srv/ssh" });
    const { mounts, envs } = inputsOf(await register({ agents }), "agents");
    expect(mounts).toContainEqual({ type: "bind", source: "/srv/claude", target: "/srv/claude" });
    expect(mounts).toContainEqual({ type: "bind", source: "/srv/ssh", target: "/home/agent/.ssh", readOnly: true });
    expect(envs).toContain("CLAUDE_CONFIG_DIR=/srv/claude/config");
  });

  test("a checkout is built in its own context", async () => {
    const registrations = await register({ build: JSON.stringify({ source: "../disinto", args: { A: "b" } }) });
    expect(ofType(registrations, "docker:index/image:Image").map(({ inputs }) => inputs.build)).toContainEqual({
      context: "../disinto",
      dockerfile: "../disinto/docker/agents/Dockerfile",
      args: { A: "b" },
    });
  });
});
