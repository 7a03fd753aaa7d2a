import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentNames, containers, images, volumes } from "../../contract/names.ts";
import { TestFactory } from "./harness.ts";

const canary = "canary-forge-token-4711";

let factory: TestFactory;

beforeAll(async () => {
  factory = await TestFactory.create();
});

afterAll(async () => {
  await factory.dispose();
});

describe("up", () => {
  test("leaves a running factory, and git as it was", async () => {
    const up = await factory.factory("up", ["--yes"]);
    expect(up.all).toContain(`Factory ${factory.name} is up.`);
    expect(up.exitCode, up.all).toBe(0);
    expect(up.all).not.toMatch(/warning/i);
    expect(await factory.git("status", "--porcelain")).toBe("");
    for (const service of ["agents", "edge"] as const) {
      expect((await factory.inspect(service)).State).toMatchObject({
        Status: "running",
        Health: { Status: "healthy" },
      });
    }
    for (const task of ["runner", "reproduce"] as const) {
      expect((await factory.inspect(task)).State.Status).toBe("created");
    }
  });

  test("again says no changes, in seconds", async () => {
    const up = await factory.factory("up", ["--yes"]);
    expect(up.all).toContain(`Factory ${factory.name}: no changes.`);
    expect(up.duration).toBeLessThan(15);
    expect(await factory.git("status", "--porcelain")).toBe("");
  });
});

describe("containers", () => {
  test("runner and agents run the same image", async () => {
    expect((await factory.inspect("runner")).Image).toBe((await factory.inspect("agents")).Image);
  });

  test.each(componentNames)(
    "%s has a named volume under every VOLUME path, and no anonymous one",
    async (component) => {
      const { Mounts } = await factory.inspect(component);
      const mounted = Object.fromEntries(Mounts.map(({ Destination, Name }) => [Destination, Name]));
      for (const [path, volume] of Object.entries<(typeof volumes)[number]>(images[containers[component]])) {
        expect(mounted[path]).toBe(factory.volumeName(volume));
      }
      const named = volumes.map((volume) => factory.volumeName(volume));
      expect(Mounts.filter(({ Name }) => !named.includes(Name))).toEqual([]);
    },
  );

  test.each(componentNames)("%s is confined", async (component) => {
    const { HostConfig } = await factory.inspect(component);
    expect(HostConfig).toMatchObject({ Privileged: false, SecurityOpt: ["no-new-privileges:true"], CapDrop: ["ALL"] });
    expect(HostConfig.PidsLimit).toBeGreaterThan(0);
    expect(HostConfig.Memory).toBeGreaterThan(0);
  });
});

describe("plain pulumi", () => {
  test("works in the environment that ./factory env prints, and sees no changes", async () => {
    const preview = await factory.plain("pulumi preview --stack test --expect-no-changes");
    expect(preview.all).not.toMatch(/warning/i);
    expect(preview.exitCode, preview.all).toBe(0);
    const refresh = await factory.plain("pulumi refresh --stack test --yes --expect-no-changes");
    expect(refresh.all).toContain("unchanged");
    expect(refresh.exitCode, refresh.all).toBe(0);
    await factory.git("checkout", "--", ".");
  });
});

describe("data", () => {
  test("in every volume survives destroy and a new up", async () => {
    for (const volume of volumes) await factory.onVolume(volume, `echo ${volume} > /v/kept`);
    const destroy = await factory.factory("destroy", ["--yes"]);
    expect(destroy.exitCode, destroy.all).toBe(0);
    for (const volume of volumes) expect(destroy.stdout).toContain(factory.volumeName(volume));
    expect(await factory.leftovers()).toEqual(volumes.map((volume) => factory.volumeName(volume)).sort());

    const up = await factory.factory("up", ["--yes"]);
    expect(up.exitCode, up.all).toBe(0);
    for (const volume of volumes) expect(await factory.onVolume(volume, "busybox cat /v/kept")).toBe(volume);
    expect((await factory.factory("up", ["--yes"])).all).toContain("no changes.");
  });
});

describe("a second factory", () => {
  test("lives beside the first, and goes without touching it", async () => {
    const before = (await factory.inspect("agents")).Id;
    const second = await TestFactory.create();
    try {
      const up = await second.factory("up", ["--yes"]);
      expect(up.exitCode, up.all).toBe(0);
      expect((await second.factory("up", ["--yes"])).all).toContain("no changes.");
      expect((await second.inspect("edge")).State.Health?.Status).toBe("healthy");
      const gone = await second.factory("destroy", ["--yes"]);
      expect(gone.exitCode, gone.all).toBe(0);
    } finally {
      await second.dispose();
    }
    expect((await factory.inspect("agents")).Id).toBe(before);
    expect((await factory.inspect("agents")).State.Health?.Status).toBe("healthy");
  });
});

describe("status", () => {
  test("shows components and volumes, as a table and as JSON", async () => {
    const table = await factory.factory("status");
    expect(table.stdout).toContain("healthy");
    expect(table.stdout).toContain(factory.volumeName("agent-data"));
    const { components } = JSON.parse((await factory.factory("status", ["--json"])).stdout);
    expect(
      components.map(({ component, state, version }: Record<string, string>) => [component, state, version]),
    ).toEqual([
      ["agents", "running", "dev"],
      ["runner", "created", "dev"],
      ["reproduce", "created", "dev"],
      ["edge", "running", "dev"],
    ]);
  });
});

describe("the forge's token", () => {
  test("set as a secret, reaches agents and reproduce alone, and no log and no state in plain text", async () => {
    const set = await factory.plain(
      `printf %s ${canary} | pulumi config set --stack test --secret disinto:forgeToken && pulumi up --stack test --yes --diff`,
    );
    expect(set.exitCode, set.all).toBe(0);
    expect(set.all).not.toContain(canary);
    const holders: string[] = [];
    for (const component of componentNames) {
      if (JSON.stringify(await factory.inspect(component)).includes(canary)) holders.push(component);
    }
    expect(holders).toEqual(["agents", "reproduce"]);
    const state = await factory.plain("pulumi stack export --stack test");
    expect(state.stdout).toContain(factory.name);
    expect(state.all).not.toContain(canary);
    expect((await factory.factory("up", ["--yes"])).all).toContain("no changes.");
  });
});
