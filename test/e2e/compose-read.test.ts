import { afterEach, expect, test, vi } from "vitest";
import type { Deployment } from "../../operations/migrate/read/deployment.ts";
import { readDeployment } from "../../operations/migrate/read/read-deployment.ts";
import { ComposeDeployment, type ComposeOptions } from "./compose.ts";
import { dockerHost } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

let deployment: ComposeDeployment;
let registry: TestRegistry | undefined;

afterEach(async () => {
  vi.unstubAllEnvs();
  await deployment.dispose();
  expect(await deployment.leftovers()).toEqual([]);
  await registry?.dispose();
});

async function start(options: ComposeOptions): Promise<void> {
  deployment = await ComposeDeployment.create(options);
  await deployment.up();
}

/** As somebody reads it who has the deployment's compose, and no other. */
function read(env: Record<string, string> = {}): Promise<Deployment> {
  for (const [name, value] of Object.entries({ ...deployment.environment, ...env })) vi.stubEnv(name, value);
  return readDeployment(deployment.directory, dockerHost);
}

const service = (found: Deployment, name: string) => found.services.find((one) => one.name === name);
const roles = (found: Deployment) => found.services.map(({ name, role }) => `${name}: ${role.kind}`);
const anonymous = expect.stringMatching(/^[0-9a-f]{64}$/);

test("v1, built, on directories, with a hired agent, an encrypted secret and a change that was not applied", async () => {
  await start({ compose: "v1", data: "directories", hired: ["nia"], variables: { ANTHROPIC_API_KEY: "a b#c$$d" } });
  const { name, directory } = deployment;
  const key = await deployment.encrypt("NPM_TOKEN", "npm");
  await deployment.compose("stop", "staging");
  const unread = await read({ SOPS_AGE_KEY_FILE: "/nonexistent" });
  expect(unread.unread).toEqual([expect.stringContaining("secrets/NPM_TOKEN.enc cannot be decrypted")]);
  expect(unread.variables).not.toHaveProperty("NPM_TOKEN");

  deployment.setVariables({ ANTHROPIC_API_KEY: "another" });
  const found = await read({ SOPS_AGE_KEY_FILE: key });
  expect(found).toMatchObject({
    directory,
    project: name,
    compose: "v1",
    projects: [{ name: "website", repo: "acme/website", forgeUrl: "http://forgejo:3000" }],
    variables: { FORGE_TOKEN: deployment.forgeToken, ANTHROPIC_API_KEY: "another", NPM_TOKEN: "npm" },
    unread: [],
  });
  expect(roles(found)).toEqual([
    "agents: agents",
    "agents-nia: hired",
    "edge: edge",
    "forgejo: other",
    "reproduce: reproduce",
    "runner: runner",
    "staging: other",
    "woodpecker: other",
  ]);
  const [container] = await deployment.containers("agents");
  expect(service(found, "agents")).toMatchObject({
    image: { kind: "build" },
    containers: [
      { ...container, name: `${name}_agents_1`, running: true, imageReference: `${name}_agents`, oneOff: false },
    ],
    environment: { FORGE_TOKEN: deployment.forgeToken, ANTHROPIC_API_KEY: "a b#c$$d" },
    networks: [`${name}_disinto-net`],
    difference: [`${name}_agents_1 has other values than the file of ANTHROPIC_API_KEY.`],
  });
  expect(service(found, "agents")?.environment).not.toHaveProperty("PATH");
  const bind = (target: string, path: string, readOnly = false, what = "directory") => {
    return { kind: "bind", target, source: `${directory}/${path}`, readOnly, what };
  };
  expect(service(found, "agents")?.mounts).toEqual([
    bind("/home/agent/data", "data/agents"),
    bind("/home/agent/disinto/.env", ".env", true, "file"),
    bind("/home/agent/disinto/projects", "projects", true),
    bind("/home/agent/disinto/state", "state"),
    bind("/home/agent/repos", "data/repos"),
    bind("/var/lib/disinto/claude-shared", "claude"),
  ]);
  expect(service(found, "agents-nia")?.mounts).toContainEqual({
    kind: "volume",
    target: "/home/agent/data",
    name: `${name}_agents-nia-data`,
    readOnly: false,
  });
  expect(service(found, "agents-nia")?.mounts).toContainEqual(
    expect.objectContaining({ kind: "anonymous", target: "/home/agent/disinto/state", name: anonymous }),
  );
  expect(service(found, "staging")?.containers).toMatchObject([{ running: false }]);
  expect(service(found, "runner")).toMatchObject({ containers: [], image: { kind: "build" } });
});

test("v2, pulled, on volumes of other names, under another project's name, with a one-off container", async () => {
  registry = await TestRegistry.start();
  for (const image of ["agents", "reproduce", "edge"] as const) await registry.push(image, "v0.1.0");
  const projectName = `${registry.namespace}-shop`;
  const volumePrefix = `${registry.namespace}-old`;
  await start({ compose: "v2", pulled: { registry, version: "v0.1.0" }, projectName, volumePrefix });
  await deployment.compose("run", "reproduce");
  const data = await deployment.writeData();
  const found = await read();
  await data.expectFiles();
  expect(found).toMatchObject({ project: projectName, compose: "v2", unread: [] });
  const image = (name: string) => {
    return { kind: "registry", reference: `${registry?.server}/${registry?.namespace}/${name}:v0.1.0` };
  };
  expect(service(found, "agents")).toMatchObject({
    image: image("agents"),
    containers: [{ name: `${projectName}-agents-1`, restart: "unless-stopped" }],
    networks: [`${projectName}_disinto-net`],
    difference: [],
  });
  expect(service(found, "agents")?.mounts[0]).toEqual({
    kind: "volume",
    target: "/home/agent/data",
    name: `${volumePrefix}_agent-data`,
    readOnly: false,
  });
  expect(service(found, "runner")).toMatchObject({ image: image("agents"), containers: [] });
  expect(service(found, "reproduce")).toMatchObject({
    image: image("reproduce"),
    containers: [{ oneOff: true, running: false }],
    networks: ["host"],
    difference: [],
  });
  const { httpPort, httpsPort, forgePort } = deployment;
  expect(service(found, "edge")?.ports).toEqual([
    { host: httpPort, container: 80 },
    { host: httpsPort, container: 443 },
  ]);
  expect(service(found, "forgejo")?.ports).toEqual([{ host: forgePort, container: 3000 }]);

  // Compose itself is gone: what runs still tells.
  const without = await read({ PATH: deployment.pathWithoutCompose() });
  expect(without).toMatchObject({ project: projectName, compose: "none" });
  expect(without.unread).toEqual([expect.stringContaining("The compose file cannot be read")]);
  const { difference: _, ...agents } = service(found, "agents") ?? { difference: [] };
  expect(service(without, "agents")).toMatchObject(agents);
});

test("data in volumes that nobody named, and a project of that name elsewhere", async () => {
  await start({ compose: "v2", data: "anonymous" });
  const found = await read();
  expect(service(found, "agents")?.mounts).toContainEqual({
    kind: "anonymous",
    target: "/home/agent/data",
    name: anonymous,
    readOnly: false,
  });
  const other = await ComposeDeployment.create({ compose: "v2", projectName: deployment.name });
  try {
    await expect(readDeployment(other.directory, dockerHost)).rejects.toThrow(
      `Two directories have the compose project ${deployment.name}: ${other.directory}, and ${deployment.directory}`,
    );
  } finally {
    other.removeDirectory();
  }
});
