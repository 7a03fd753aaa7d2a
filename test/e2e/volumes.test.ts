import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentNames, type ImageName, volumes } from "../../contract/names.ts";
import { dockerHost, type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

let factory: TestFactory;
const up = () => factory.factory("up", ["--yes"]);

beforeAll(async () => {
  factory = await TestFactory.create();
  const first = await up();
  expect(first.exitCode, first.all).toBe(0);
  await writeData(factory);
});

afterAll(() => factory.dispose());

/** What must stay as it is: containers, their health, and the data. */
async function running(of: TestFactory) {
  const containers = await Promise.all(componentNames.map((component) => of.inspect(component)));
  const data = await Promise.all(volumes.map((volume) => of.onVolume(volume, "busybox cat /v/kept")));
  return { containers: containers.map(({ Id, State }) => ({ Id, health: State.Health?.Status })), data };
}

async function writeData(of: TestFactory): Promise<void> {
  for (const volume of volumes) await of.onVolume(volume, `echo ${volume} > /v/kept`);
}

async function expectNoChanges(up: () => Promise<Outcome>): Promise<void> {
  expect((await up()).all).toContain("no changes.");
}

describe("an image that is built here", () => {
  /** Another content of a file of the project, while `during` runs. */
  async function withChange(
    name: string,
    change: (text: string) => string,
    during: () => Promise<void>,
  ): Promise<void> {
    const file = join(factory.directory, name);
    const before = readFileSync(file, "utf8");
    writeFileSync(file, change(before));
    try {
      await during();
    } finally {
      writeFileSync(file, before);
    }
  }

  const withLine = (image: ImageName, line: string, during: () => Promise<void>) =>
    withChange(`tiny/docker/${image}/Dockerfile`, (text) => `${text}${line}\n`, during);

  test("with a VOLUME of the contract alone runs, and a second up says no changes", async () => {
    await expectNoChanges(up);
  });

  test("with another VOLUME is built, and refused before anything running is touched", async () => {
    const before = await running(factory);
    await withLine("edge", "VOLUME /home/agent/state", async () => {
      const refused = await up();
      expect(refused.exitCode).toBe(1);
      expect(refused.all).toMatch(/The image build:tiny, sha256:[0-9a-f]{64}, declares a VOLUME/);
      expect(refused.all).toContain("/home/agent/state: nothing is mounted there");
      expect(refused.all).toContain("Nothing that runs was touched.");
      expect(await running(factory)).toEqual(before);
    });
    const back = await up();
    expect(back.exitCode, back.all).toBe(0);
    await expectNoChanges(up);
    expect(await running(factory)).toEqual(before);
  });

  test("is refused by plain pulumi too, from wherever it is called", async () => {
    const before = await running(factory);
    await withLine("reproduce", "VOLUME /home/agent", async () => {
      const refused = await factory.plain("cd test && pulumi up --stack test --yes --skip-preview");
      expect(refused.exitCode).not.toBe(0);
      expect(refused.all).toContain("/home/agent: lies above /home/agent/data, /home/agent/repos");
      expect(await running(factory)).toEqual(before);
    });
  });

  test("in a container with other mounts than the contract's makes up fail, until they are right", async () => {
    const { Id } = await factory.inspect("edge");
    const writable = (text: string) => text.replace(", readOnly: true", "");
    await withChange("components/edge.ts", writable, async () => {
      const failed = await up();
      expect(failed.exitCode, failed.all).toBe(1);
      expect(failed.all).toContain(`The container ${factory.containerName("edge")} has other volumes`);
      expect(failed.all).toContain(`/srv/factory/state: the volume ${factory.volumeName("state")} is writable there`);
      expect((await factory.inspect("edge")).Id).not.toBe(Id);
    });
    const right = await up();
    expect(right.exitCode, right.all).toBe(0);
    await expectNoChanges(up);
  });
});

describe("a container with an anonymous volume", () => {
  test("is found, whatever it came from", async () => {
    const { Image: image, Id: id } = await factory.inspect("reproduce");
    const asked = {
      GATE_FACTORY: factory.name,
      GATE_STACK: "test",
      GATE_COMPONENT: "reproduce",
      GATE_PIDS: "64",
      GATE_RUN: "task",
    };
    const gate = (container: string) =>
      factory.plain("node gates/main.ts finish", { ...asked, DOCKER_HOST: dockerHost, GATE_CONTAINER: container });
    expect(await gate(id)).toMatchObject({ exitCode: 0, all: "" });
    const named = `--volume=${factory.volumeName("agent-data")}:/home/agent/data`;
    const stray = await factory.docker("create", named, "--volume=/cache", image);
    const refused = await gate(stray);
    await factory.docker("rm", "--volumes", stray);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/\/cache: an anonymous volume \([0-9a-f]{12}\)/);
    expect(refused.stderr).toMatch(/\/home\/agent\/repos: an anonymous volume .* not the volume e2e-\w+_project-repos/);
  });
});

describe("a released image", () => {
  let registry: TestRegistry;
  let released: TestFactory;
  const digests: Record<string, string> = {};

  const shadows = [
    {
      name: "undeclared",
      version: "v0.2.1",
      volumes: "$1, '/var/cache'",
      says: "/var/cache: nothing is mounted there",
    },
    {
      name: "parent",
      version: "v0.2.2",
      volumes: "$1, '/home/agent'",
      says: "/home/agent: lies above /home/agent/data",
    },
    {
      name: "nested",
      version: "v0.2.3",
      volumes: "$1, '/home/agent/data/cache/'",
      says: "/home/agent/data/cache: lies inside /home/agent/data",
    },
    {
      name: "moved",
      version: "v0.2.4",
      volumes: "'/home/agent/data', '/home/agent/state'",
      says: "/home/agent/state: nothing is mounted there; moved? The contract's path is /home/agent/disinto/state",
    },
  ];

  const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
  const up = (env = {}) => released.factory("up", ["--yes"], { ...trusting(), ...env });
  const pulumi = (command: string) => released.plain(`pulumi ${command}`, trusting());
  const reference = (version: string) =>
    `${registry.server}/${registry.namespace}/agents:${version}@${digests[version]}`;

  beforeAll(async () => {
    registry = await TestRegistry.start();
    for (const image of ["edge", "reproduce", "agents"] as const) {
      digests["v0.1.1"] = await registry.push(image, "v0.1.1");
    }
    for (const { version, volumes } of shadows) {
      const list = volumes.replaceAll("'", '"');
      const change = (text: string) => text.replace(/^VOLUME \[(.*)\]$/m, `VOLUME [${list}]`);
      digests[version] = await registry.push("agents", version, "1", { change });
    }
    released = await TestFactory.create();
    const { server, namespace, username, password } = registry;
    await released.configure({ build: undefined, registry: { server, namespace, username }, release: "v0.1.1" });
    await released.plain(`printf %s ${password} | pulumi config set --stack test --secret disinto:registryToken`);
    const first = await up();
    expect(first.exitCode, first.all).toBe(0);
    await writeData(released);
    await expectNoChanges(up);
  });

  afterAll(async () => {
    await released?.dispose();
    await registry?.dispose();
  });

  function expectRefused(outcome: Outcome, version: string, says: string): void {
    expect(outcome.exitCode, outcome.all).not.toBe(0);
    expect(outcome.all).toContain(`The image ${reference(version)} declares a VOLUME`);
    expect(outcome.all).toContain(says);
    expect(outcome.all).toContain("Nothing that runs was touched.");
    expect(outcome.all).not.toMatch(/\n\s+at .*\.[jt]s:\d+/);
    expect(outcome.all).not.toContain(registry.password);
  }

  const isHere = async (version: string) =>
    (await released.docker("images", "--digests")).includes(`${digests[version]}`);

  test.each(shadows)(
    "with a VOLUME that is $name is refused at preview, unpulled, and by up",
    async ({ version, says }) => {
      const before = await running(released);
      await pulumi(`config set --stack test disinto:agentsImage ${version}`);
      expectRefused(await pulumi("preview --stack test"), version, says);
      expectRefused(await up(), version, says);
      expect(await isHere(version)).toBe(false);
      expect(await running(released)).toEqual(before);
    },
  );

  test("is refused once it is pulled, where the registry cannot be read before", async () => {
    const { version, says } = shadows[3] as (typeof shadows)[number];
    const before = await running(released);
    await pulumi(`config set --stack test disinto:agentsImage ${version}`);
    // Node asks a proxy for localhost too, the engine and the daemon do not.
    const refused = await up({ HTTPS_PROXY: "http://127.0.0.1:9" });
    expectRefused(refused, version, says);
    expect(refused.all).toContain('running "node gates/main.ts volumes"');
    expect(await isHere(version)).toBe(true);
    expect(await running(released)).toEqual(before);
  });

  test("that the host has is refused at preview without its registry", async () => {
    const { version, says } = shadows[3] as (typeof shadows)[number];
    await registry.stop();
    await pulumi(`config set --stack test disinto:agentsImage ${reference(version)}`);
    await pulumi(`config set --stack test disinto:edgeImage ${await runs("edge")}`);
    await pulumi(`config set --stack test disinto:reproduceImage ${await runs("reproduce")}`);
    expectRefused(await pulumi("preview --stack test"), version, says);
    await registry.restart();
  });

  test("is left behind by the command in the error, and nothing has changed", async () => {
    const refused = await pulumi("preview --stack test");
    const command = /stay on what runs: \.\/factory pulumi -- (config set .*)/.exec(refused.all)?.[1];
    expect(command).toContain(reference("v0.1.1"));
    expect((await released.plain(`./factory pulumi -- ${command}`)).exitCode).toBe(0);
    const before = await running(released);
    const back = await up();
    expect(back.exitCode, back.all).toBe(0);
    expect(await running(released)).toEqual(before);
    await expectNoChanges(up);
  });

  async function runs(image: ImageName): Promise<string | undefined> {
    return (await released.inspect(image)).Config.Labels["io.disinto.image"];
  }
});
