import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeIn } from "../../contract/error-codes.ts";
import { networkName } from "../../contract/names.ts";
import { fails, succeeds } from "./dangers.ts";
import { TestFactory } from "./harness.ts";
import { killAll, runUntil } from "./processes.ts";

const canary = "canary-5f1c9e0b7d";
const token = { FORGE_TOKEN: canary };
const components = ["agents", "runner", "reproduce", "edge"] as const;

let factory: TestFactory;

beforeAll(async () => {
  factory = await TestFactory.create({ agents: { pollInterval: "300s" } });
  await succeeds(factory.factory("up", ["--yes"], token));
});

afterAll(async () => {
  await factory?.dispose();
});

/** What would change if a container were touched. */
async function fingerprint(): Promise<string[]> {
  const containers = await Promise.all(components.map((component) => factory.inspect(component)));
  const network = await factory.docker("network", "inspect", "--format={{.Id}}", networkName(factory.name));
  return [...containers.map(({ Id, State }) => `${Id} ${State.StartedAt}`), network];
}

/** Another container in the place of the agents', by what `docker inspect` says of that. */
async function makeByHand(): Promise<void> {
  const name = factory.containerName("agents");
  const { Id, Image, Config, HostConfig, Mounts } = await factory.inspect("agents");
  const ofImage: string[] = JSON.parse(
    await factory.docker("image", "inspect", "--format={{json .Config.Env}}", Image),
  );
  const own = Config.Env.filter((variable) => !ofImage.includes(variable));
  await factory.docker("rm", "--force", Id);
  await factory.docker(
    ...["run", "--detach", `--name=${name}`, `--network=${networkName(factory.name)}`, "--network-alias=agents"],
    ...Object.entries(Config.Labels).map(([key, value]) => `--label=${key}=${value}`),
    ...own.map((variable) => `--env=${variable}`),
    ...Mounts.map((mount) => `--volume=${mount.Name}:${mount.Destination}`),
    ...HostConfig.CapAdd.map((capability) => `--cap-add=${capability}`),
    ...HostConfig.SecurityOpt.map((option) => `--security-opt=${option}`),
    ...["--cap-drop=ALL", `--memory=${HostConfig.Memory}`, `--memory-swap=${HostConfig.Memory}`],
    ...["--restart=unless-stopped", "--stop-timeout=30", "--log-opt=max-size=10m", "--log-opt=max-file=3"],
    Image,
  );
}

function loseState(): void {
  for (const lost of ["state", "stacks", "secrets"]) {
    rmSync(join(factory.directory, ".factory", lost), { recursive: true, force: true });
  }
}

async function expectSettled(): Promise<void> {
  expect((await succeeds(factory.factory("up", ["--yes"], token))).all).toContain("no changes.");
  const state = await succeeds(factory.plain("pulumi stack export --stack test", token));
  expect(state.stdout).not.toContain(canary);
}

describe("A factory whose state is lost", () => {
  test("`up` explains and touches nothing; `adopt`, killed and typed again, takes all over as it runs", async () => {
    const before = await fingerprint();
    loseState();
    const refused = await fails(factory.factory("up", ["--yes"], token));
    expect(refused.exitCode).toBe(1);
    expect(codeIn(refused.stderr)).toBe("containers-unknown");
    expect(refused.stderr).toContain("./factory adopt --stack test");
    const asked = await fails(factory.factory("adopt", [], token));
    expect(codeIn(asked.stderr)).toBe("nobody-to-ask");
    await runUntil(factory, ["adopt", "--yes"], /(Image|Volume) .* creat/, (group) => killAll(factory, group), token);
    expect(await fingerprint()).toEqual(before);
    const adopted = await succeeds(factory.factory("adopt", ["--yes"], token));
    expect(adopted.all).not.toContain("made anew");
    expect(adopted.all).not.toContain(canary);
    expect(await fingerprint()).toEqual(before);
    await expectSettled();
    expect(await fingerprint()).toEqual(before);
  });

  test("a container made by hand, like the factory's own, is taken over as it runs", async () => {
    const name = factory.containerName("agents");
    await makeByHand();
    loseState();
    const before = await fingerprint();
    const adopted = await succeeds(factory.factory("adopt", ["--yes"], token));
    expect(adopted.all).not.toContain("made anew");
    expect(adopted.all).toContain(`container ${name}`);
    await expectSettled();
    expect(await fingerprint()).toEqual(before);
  });

  test("what is not as wanted is listed, without a secret's value, and made anew; the rest keeps its ID", async () => {
    const before = await fingerprint();
    const edge = await factory.inspect("edge");
    const name = factory.containerName("edge");
    const labels = Object.entries(edge.Config.Labels).map(([key, value]) => `--label=${key}=${value}`);
    await factory.docker("rm", "--force", name);
    const hand = ["run", "--detach", `--name=${name}`, ...labels, "--memory=99m", "--env=FORGE_TOKEN=other-value"];
    const made = await factory.docker(...hand, `--network=${networkName(factory.name)}`, edge.Image);
    const [{ Name: anonymous } = { Name: "" }] = (await factory.inspect("edge")).Mounts;
    loseState();
    const adopted = await succeeds(factory.factory("adopt", ["--yes"], token));
    expect(adopted.all).toMatch(/edge: .*variables \(.*FORGE_TOKEN.*memory limit \(99 MiB, wanted \d+ MiB\)/);
    expect(adopted.all).not.toMatch(new RegExp(`other-value|${canary}`));
    const after = await fingerprint();
    expect(after.filter((_, index) => index !== 3)).toEqual(before.filter((_, index) => index !== 3));
    expect((await factory.inspect("edge")).Id).not.toBe(made);
    // What it wrote to a volume that nobody named is left to its owner.
    expect(anonymous).toMatch(/^[0-9a-f]{64}$/);
    expect(await factory.docker("volume", "ls", "--quiet")).toContain(anonymous);
    expect(await factory.removeVolumes([anonymous])).toBe("");
    await expectSettled();
  });
});
