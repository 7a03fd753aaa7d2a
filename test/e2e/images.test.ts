import { appendFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, localImageName } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { dockerHost, freePort, TestFactory } from "./harness.ts";

const canary = "canary0forge0token0815";

let factory: TestFactory;
let forge: Server;

beforeAll(async () => {
  forge = await startForge();
  factory = await TestFactory.create();
  const { port } = forge.address() as AddressInfo;
  const url = `http://${hostAddress()}:${port}`;
  const { httpPort, httpsPort } = factory;
  const routes = [
    { path: "/ci", upstream: url },
    { path: "/ci/logs", upstream: `${url}/base/`, stripPrefix: true },
    { path: "/down", upstream: `http://${hostAddress()}:${await freePort()}` },
    { path: "/unknown", upstream: "http://nobody.invalid:8000" },
  ];
  await factory.configure({
    build: undefined,
    forge: { url, repo: "acme/website" },
    agents: { pollInterval: "2s" },
    edge: { httpPort, httpsPort, routes },
  });
  const up = await factory.plain(
    `printf %s ${canary} | pulumi config set --stack test --secret disinto:forgeToken && ./factory up --stack test --yes`,
  );
  expect(up.exitCode, up.all).toBe(0);
  expect(up.all).not.toContain(canary);
});

afterAll(async () => {
  await factory?.dispose();
  forge?.close();
});

describe("the factory's own images", () => {
  test("are healthy, and a second up says no changes", async () => {
    for (const service of ["agents", "edge"] as const) {
      expect((await factory.inspect(service)).State).toMatchObject({
        Status: "running",
        Health: { Status: "healthy" },
      });
    }
    expect((await factory.factory("up", ["--yes"])).all).toContain("no changes.");
  });

  test("the page is served over HTTP and HTTPS, with the factory's name and version", async () => {
    const page = await fetch(`http://localhost:${factory.httpPort}/`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<title>disinto</title>");
    const status = await (await fetch(`http://localhost:${factory.httpPort}/status/factory.json`)).json();
    expect(status).toMatchObject({ name: factory.name, edge: "dev", forge: "/forge/" });
    const { stdout } = await execa("curl", [
      "--insecure",
      "--silent",
      "--fail",
      `https://localhost:${factory.httpsPort}/`,
    ]);
    expect(stdout).toContain("<title>disinto</title>");
  });

  test("nothing else of the state volume is served", async () => {
    for (const path of ["/status/busy", "/srv/factory/state/heartbeat.json", "/status/../state/heartbeat.json"]) {
      expect((await fetch(`http://localhost:${factory.httpPort}${path}`)).status).toBe(404);
    }
  });

  test("edge.routes lead to their upstreams, with the prefix or without; one that is down takes nothing else along", async () => {
    const at = (path: string) => fetch(`http://localhost:${factory.httpPort}${path}`);
    const asked = async (path: string) => ((await (await at(path)).json()) as { url: string }).url;
    expect(await asked("/ci")).toBe("/ci");
    expect(await asked("/ci/x/y?z=1")).toBe("/ci/x/y?z=1");
    expect(await asked("/ci/logs/x?z=1")).toBe("/base/x?z=1");
    expect(await asked("/ci/logs")).toBe("/base/");
    expect(await asked("/forge/x")).toBe("/x");
    expect((await at("/cider")).status).toBe(404);
    for (const path of ["/down", "/unknown/x"]) expect((await at(path)).status).toBe(502);
    expect((await at("/")).status).toBe(200);
  });

  test.each([
    ["/ci\n}\nrespond 200 {", "http://ci:8000"],
    ["/ci", "http://ci:8000 {\n}\nimport /etc/passwd\n#"],
    ["/status", "http://ci:8000"],
    ["/ci", "http://bot:canary-pw@ci:8000"],
  ])("the edge does not start with the route %j to %j, and says why", async (path, upstream) => {
    const routes = `EDGE_ROUTES=${JSON.stringify([{ path, upstream, stripPrefix: false }])}`;
    const image = localImageName(factory.name, "edge");
    const edge = await execa("docker", ["run", "--rm", "--network=none", `--env=${routes}`, image], {
      env: { DOCKER_HOST: dockerHost },
      reject: false,
      timeout: 120_000,
    });
    expect(edge.exitCode, edge.stderr).toBe(64);
    expect(edge.stderr).toMatch(/^disinto-edge: EDGE_ROUTES has in \[0\] .*: correct disinto:edge\.routes$/);
    expect(edge.stderr).not.toContain("canary-pw");
  });

  test("the agents' heartbeat is fresh, and says that the forge takes their token", async () => {
    const heartbeat = await heartbeatWith((beat) => beat.forge.reachable);
    expect(heartbeat).toMatchObject({
      factory: factory.name,
      version: "dev",
      forge: { reachable: true, reason: null },
    });
    expect(Date.now() - Date.parse(heartbeat.time)).toBeLessThan(60_000);
  });

  test("the agents can be drained: they say whether they are at work, and take up nothing new", async () => {
    const container = factory.containerName("agents");
    const run = (...args: string[]) =>
      execa("docker", ["exec", container, ...args], { env: { DOCKER_HOST: dockerHost }, reject: false });
    const state = "/home/agent/disinto/state";
    const drain = (seconds: number) => run("/usr/local/lib/disinto/drain", String(seconds));
    expect((await drain(300)).exitCode).toBe(0);
    expect(Number((await run("cat", `${state}/drain`)).stdout)).toBeGreaterThan(Date.now() / 1000 + 200);
    await run("sh", "-c", `echo '{"role":"dev"}' >${state}/busy`);
    expect(await drain(300)).toMatchObject({ exitCode: 75, stdout: '{"role":"dev"}' });
    await run("rm", `${state}/busy`);
    expect((await drain(0)).exitCode).toBe(0);
  });

  test("another agents' image passes canary and drain, and takes the place of the one before", async () => {
    const { Id, Image } = await factory.inspect("agents");
    appendFileSync(join(factory.directory, "docker/agents/Dockerfile"), "\nLABEL release=next\n");
    const up = await factory.factory("up", ["--yes"]);
    expect(up.exitCode, up.all).toBe(0);
    const agents = await factory.inspect("agents");
    expect(agents).toMatchObject({ State: { Health: { Status: "healthy" } } });
    expect([agents.Id === Id, agents.Image === Image]).toEqual([false, false]);
    expect((await factory.factory("up", ["--yes"])).all).toContain("no changes.");
  });

  test("a container that is stopped ends by itself within its grace period", async () => {
    const started = performance.now();
    await execa("docker", ["stop", factory.containerName("agents")], { env: { DOCKER_HOST: dockerHost } });
    expect((performance.now() - started) / 1000).toBeLessThan(10);
    expect((await factory.inspect("agents")).State).toMatchObject({ Status: "exited", ExitCode: 0 });
    const up = await factory.factory("up", ["--yes"]);
    expect(up.exitCode, up.all).toBe(0);
    const agents = factory.containerName("agents");
    expect(up.stdout).toContain(`${agents} is stopped; to start it: docker start ${agents}`);
  });

  test("files of root's in a volume: they belong to the agents after a start -> nothing to do", async () => {
    const container = factory.containerName("agents");
    const docker = (...args: string[]) => execa("docker", args, { env: { DOCKER_HOST: dockerHost } });
    await docker("start", container);
    await docker(
      "exec",
      "--user=root",
      container,
      "sh",
      "-c",
      "mkdir /home/agent/data/x && touch /home/agent/data/x/y",
    );
    await docker("restart", container);
    const { stdout } = await docker(
      "exec",
      container,
      "stat",
      "-c",
      "%u",
      "/home/agent/data/x",
      "/home/agent/data/x/y",
    );
    expect(stdout).toBe("1000\n1000");
  });

  test("the runner with nothing to do says so, reproduce without arguments says how", async () => {
    const runner = await start("runner");
    expect(runner.all).toMatch(/no .*action|nothing/i);
    expect(runner.exitCode).toBe(0);
    const reproduce = await start("reproduce");
    expect(reproduce.exitCode).toBe(64);
    expect(reproduce.all).toMatch(/usage/i);
  });

  test("the token is in no log and in no layer", async () => {
    for (const component of ["agents", "edge", "runner", "reproduce"] as const) {
      const { all } = await execa("docker", ["logs", factory.containerName(component)], {
        env: { DOCKER_HOST: dockerHost },
        all: true,
      });
      expect(all).not.toContain(canary);
    }
    for (const image of imageNames) {
      const args = ["history", "--no-trunc", localImageName(factory.name, image)];
      expect((await execa("docker", args, { env: { DOCKER_HOST: dockerHost } })).stdout).not.toContain(canary);
    }
  });
});

interface Heartbeat {
  time: string;
  forge: { reachable: boolean };
}

async function heartbeatWith(wanted: (heartbeat: Heartbeat) => boolean): Promise<Heartbeat> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const answer = await fetch(`http://localhost:${factory.httpPort}/status/heartbeat.json`);
    const heartbeat = answer.ok ? ((await answer.json()) as Heartbeat) : undefined;
    if (heartbeat !== undefined && wanted(heartbeat)) return heartbeat;
    if (Date.now() > deadline)
      throw new Error(`no such heartbeat within 120 s; the last one: ${JSON.stringify(heartbeat)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function start(component: "runner" | "reproduce") {
  return execa("docker", ["start", "--attach", factory.containerName(component)], {
    env: { DOCKER_HOST: dockerHost },
    all: true,
    reject: false,
  });
}

/** The part of a forge's API that agents ask: 200 for the right token, else 401. */
function startForge(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((request, response) => {
      response.statusCode = request.headers.authorization === `token ${canary}` ? 200 : 401;
      response.end(JSON.stringify({ url: request.url }));
    }).listen(0, "0.0.0.0", () => resolve(server));
  });
}

/** An address of this machine that containers reach. */
function hostAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = addresses.find(({ family, internal }) => family === "IPv4" && !internal);
  if (reachable === undefined) throw new Error("this machine has no address but the loopback's");
  return reachable.address;
}
