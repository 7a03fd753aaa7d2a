import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames, volumes } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { dockerHost, type Outcome, TestFactory } from "./harness.ts";
import { killGroup, processesIn, upUntil } from "./processes.ts";
import { TestRegistry } from "./registry.ts";

const golden = join(import.meta.dirname, "../golden");

let registry: TestRegistry;
let factory: TestFactory;

beforeAll(async () => {
  registry = await TestRegistry.start();
  for (const version of ["v0.1.0", "v0.2.0"]) {
    for (const image of imageNames) await registry.push(image, version);
  }
  await registry.push("agents", "v0.3.0-exits", "1", { behaviour: "exits" });
  await registry.push("agents", "v0.3.0-never", "1", { behaviour: "never", change: checked(never) });
  await registry.push("agents", "v0.3.0-late", "1", { behaviour: "never", change: checked(late) });
  await registry.push("agents", "v0.3.0-crashes", "1", { behaviour: "crashes" });
  await registry.push("edge", "v0.3.0-unchecked", "1", { change: checked("HEALTHCHECK NONE") });
  factory = await TestFactory.create();
  factory.watchSeconds = undefined;
  const { server, namespace, username, password } = registry;
  await factory.configure({ build: undefined, registry: { server, namespace, username }, release: "v0.1.0" });
  await pulumi(`printf %s ${password} | pulumi config set --stack test --secret disinto:registryToken`);
  await succeeds(up());
  for (const volume of volumes) await factory.onVolume(volume, `echo ${volume} > /v/kept`);
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
});

/** Without an answer, until the time its check implies is over. */
const never = 'HEALTHCHECK --interval=1s --start-period=6s --timeout=1s --retries=2 CMD ["busybox", "sleep", "60"]';
/** Unhealthy after 20 s. */
const late = 'HEALTHCHECK --interval=5s --timeout=1s --retries=4 CMD ["busybox", "test", "-f", "/alive"]';

function checked(healthCheck: string): (dockerfile: string) => string {
  return (dockerfile) => dockerfile.replace(/^HEALTHCHECK .*$/m, healthCheck);
}

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const up = () => factory.factory("up", ["--yes"], trusting());
const pulumi = (script: string) => succeeds(factory.plain(script, trusting()));
const set = (key: string, value: string) => pulumi(`pulumi config set --stack test --path 'disinto:${key}' ${value}`);
const unset = (key: string) => pulumi(`pulumi config rm --stack test --path 'disinto:${key}'`);

async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}

/** The agents run this version and are healthy, the data is there, nothing is left behind, and `up` has nothing to do. */
async function expectRunning(version: string): Promise<void> {
  const { Config, State } = await factory.inspect("agents");
  expect(Config.Labels["org.opencontainers.image.version"]).toBe(version);
  expect(State.Health?.Status).toBe("healthy");
  for (const volume of volumes) expect(await factory.onVolume(volume, "busybox cat /v/kept")).toBe(volume);
  expect((await factory.leftovers()).filter((name) => name.includes("canary"))).toEqual([]);
  expect((await succeeds(up())).all).toContain("no changes.");
}

/** What `up` says when it fails, without what differs from one run to the next. */
function message({ stderr }: Outcome): string {
  return `${stderr
    .replaceAll(factory.name, "acme")
    .replaceAll(`${registry.server}/${registry.namespace}`, "registry/acme")
    .replaceAll(factory.directory, ".")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:<digest>")
    .replaceAll(/\d{8}T\d{6}Z/g, "<time>")
    .trim()}\n`;
}

describe("a new image that is broken", () => {
  test.each(["exits", "never", "late"])("%s: what runs is not touched", async (behaviour) => {
    const before = await factory.inspect("agents");
    await set("agentsImage", `v0.3.0-${behaviour}`);
    const failed = await up();
    expect(failed.exitCode).toBe(1);
    expect(failed.all).toContain(factory.containerName("agents"));
    await expect(canaryMessage(failed)).toMatchFileSnapshot(join(golden, `upgrade-${behaviour}.txt`));
    expect(await factory.inspect("agents")).toMatchObject({
      Id: before.Id,
      State: { StartedAt: before.State.StartedAt, Health: { Status: "healthy" } },
    });
    await unset("agentsImage");
    await succeeds(up());
    expect((await factory.inspect("agents")).Id).toBe(before.Id);
    await expectRunning("v0.1.0");
  });

  test("without a health check is refused, with the fix", async () => {
    const { Id } = await factory.inspect("edge");
    await set("edgeImage", "v0.3.0-unchecked");
    const failed = await up();
    expect(failed.exitCode).toBe(1);
    expect(failed.all).toContain("has no HEALTHCHECK, so nobody can tell whether it works.");
    expect((await factory.inspect("edge")).Id).toBe(Id);
    await unset("edgeImage");
    await succeeds(up());
    expect((await factory.inspect("edge")).Id).toBe(Id);
    await expectRunning("v0.1.0");
  });

  test("crashes after it was healthy: back to what ran, config and containers, and its log is kept", async () => {
    const file = () => readFileSync(join(factory.directory, "Pulumi.test.yaml"), "utf8");
    const before = file();
    await set("agentsImage", "v0.3.0-crashes");
    const ended = watchAgents();
    const failed = await up();
    expect(failed.exitCode).toBe(1);
    const { crashed, healthy } = await ended();
    console.log(`crash after healthy: the old version is healthy again ${(healthy - crashed).toFixed(1)} s later`);
    // 12 s where the machine has little else to do; 32 s were seen with five test files at once.
    expect(healthy - crashed).toBeLessThan(60);
    await expect(message(failed)).toMatchFileSnapshot(join(golden, "upgrade-crashes.txt"));
    expect(file()).toBe(before);
    const logs = readdirSync(join(factory.directory, ".factory/logs"));
    expect(readFileSync(join(factory.directory, ".factory/logs", logs[0] ?? ""), "utf8")).toContain("out of luck");
    await expectRunning("v0.1.0");
  });

  test("crashes, and plain pulumi fails with the one command that goes back", async () => {
    await set("agentsImage", "v0.3.0-crashes");
    const failed = await factory.plain("pulumi up --stack test --yes --skip-preview", trusting());
    expect(failed.exitCode).not.toBe(0);
    expect(failed.all).toContain("Go back: ./factory rollback --stack test");
    const again = await factory.plain("pulumi up --stack test --yes --skip-preview", trusting());
    expect(again.exitCode, "a half-made container must never turn green").not.toBe(0);
    await succeeds(factory.factory("rollback", ["--yes"], trusting()));
    await expectRunning("v0.1.0");
  });
});

/** What becomes of the agents' containers from now on: when the first was told to end, or ended with a code, and so on. */
function watchAgents() {
  const filters = ["type=container", `label=io.disinto.factory=${factory.name}`, "label=io.disinto.component=agents"];
  const format = "{{.TimeNano}} {{.Actor.Attributes.name}} {{.Action}} {{.Actor.Attributes.exitCode}}";
  const args = ["events", ...filters.map((filter) => `--filter=${filter}`), `--format=${format}`];
  const events = execa("docker", args, { env: { DOCKER_HOST: dockerHost }, stdin: "ignore", reject: false });
  return async () => {
    events.kill();
    const lines = (await events).stdout
      .split("\n")
      .filter((line) => line.includes(` ${factory.containerName("agents")} `));
    const timeOf = (line: string | undefined) => Number(line?.split(" ")[0]) / 1e9;
    const first = (action: string) => timeOf(lines.find((line) => line.includes(` ${action}`)));
    return {
      stopped: first("kill"),
      crashed: first("die 7"),
      healthy: timeOf(lines.findLast((line) => line.includes("health_status: healthy"))),
    };
  };
}

/** The part of a failed update that the canary said. */
function canaryMessage(failed: Outcome): string {
  const lines = message({ ...failed, stderr: failed.all }).split("\n");
  const first = lines.findIndex((line) => line.includes("is not fit to run"));
  const last = lines.findIndex((line) => line.includes("was not touched"));
  return `${lines
    .slice(first, last + 1)
    .map((line) => line.trim())
    .join("\n")}\n`;
}

describe("agents at work", () => {
  const agents = () => factory.containerName("agents");
  const work = (at: boolean) =>
    factory.docker("exec", agents(), "busybox", ...(at ? ["touch", "/busy"] : ["rm", "/busy"]));

  test("are let finish, and only then replaced", async () => {
    const { Id } = await factory.inspect("agents");
    await work(true);
    await set("release", "v0.2.0");
    const finish = async () => {
      await sleep(3000);
      expect((await factory.inspect("agents")).Id).toBe(Id);
      await work(false);
    };
    const ended = await upUntil(factory, new RegExp(`waiting for ${agents()}, which is at work`), finish, trusting());
    expect(ended.exitCode, ended.all).toBe(0);
    await expectRunning("v0.2.0");
  });

  test("are not stopped where they do not finish in time", async () => {
    const { Id } = await factory.inspect("agents");
    await work(true);
    await set("agents.drain.timeout", "2s");
    await set("release", "v0.1.0");
    const failed = await up();
    expect(failed.exitCode).toBe(1);
    expect(failed.all).toContain(`Still at work after 2 s: ${agents()}, which is at work`);
    expect(failed.all).toContain("What runs is what ran before.");
    expect((await factory.inspect("agents")).Id).toBe(Id);
  });

  test("are stopped then where the config says so", async () => {
    await set("agents.drain.onTimeout", "stop");
    await succeeds(up());
    await expectRunning("v0.1.0");
  });

  test("that nobody can ask count as at work", async () => {
    await set("agents.drain.onTimeout", "fail");
    await set("agents.drain.command[0]", "/no/such/program");
    await set("release", "v0.2.0");
    const failed = await up();
    expect(failed.exitCode).toBe(1);
    expect(failed.all).toContain("has no program /no/such/program that says whether it is at work");
    await unset("agents.drain");
    await set("release", "v0.1.0");
    await succeeds(up());
    await expectRunning("v0.1.0");
  });
});

describe("hooks", () => {
  test("know the versions; the one before stops an upgrade, the one after cannot undo one", async () => {
    const { Id } = await factory.inspect("agents");
    const hook = (text: string) =>
      `"echo ${text} $FACTORY_AGENTS_FROM $FACTORY_AGENTS_TO >> hooks.txt; exit 3"`.replaceAll("$", "\\$");
    await set("hooks.before", hook("before"));
    expect((await succeeds(up())).all).not.toContain("failed");
    await set("agentsImage", "v0.2.0");
    const stopped = await up();
    expect(stopped.exitCode).toBe(1);
    expect(stopped.all).toContain("The hook before the upgrade (disinto:hooks.before) failed");
    expect((await factory.inspect("agents")).Id).toBe(Id);
    await set("hooks.before", '"exit 0"');
    await set("hooks.after", hook("after"));
    await succeeds(up());
    expect(readFileSync(join(factory.directory, "hooks.txt"), "utf8")).toBe(
      "before v0.1.0 v0.2.0\nafter v0.2.0 v0.2.0\n",
    );
    await unset("hooks");
    await unset("agentsImage");
    await succeeds(up());
    await expectRunning("v0.1.0");
  });
});

describe("the edge", () => {
  test("answers 10,000 requests while the agents are upgraded, and is away for a moment when it is upgraded itself", async () => {
    let [asked, versions] = [0, ["v0.2.0", "v0.1.0"]];
    for (; asked < 10_000; versions = versions.toReversed()) {
      await set("agentsImage", versions[0] ?? "");
      const ended = watchAgents();
      const agents = await askWhile(up());
      expect(agents.outcome.exitCode, agents.outcome.all).toBe(0);
      expect(agents.failed).toBe(0);
      asked += agents.asked;
      const { stopped, healthy } = await ended();
      console.log(
        `agents upgraded: away for ${(healthy - stopped).toFixed(1)} s; 0 of ${agents.asked} requests failed`,
      );
      expect(healthy - stopped).toBeLessThan(30);
    }
    await unset("agentsImage");
    await set("edgeImage", "v0.2.0");
    const edge = await askWhile(up());
    expect(edge.outcome.exitCode, edge.outcome.all).toBe(0);
    console.log(`edge upgraded: ${edge.failed} of ${edge.asked} requests failed, the longest gap was ${edge.gap} ms`);
    expect(edge.gap).toBeLessThan(30_000);
    await unset("edgeImage");
    await succeeds(up());
    await expectRunning("v0.1.0");
  });

  /** Whether there is a page, from its first byte to its last. */
  async function answers(): Promise<boolean> {
    try {
      const response = await fetch(`http://localhost:${factory.httpPort}/`, { signal: AbortSignal.timeout(2000) });
      return (await response.text()) !== "" && response.ok;
    } catch {
      return false;
    }
  }

  /** Asks for the page, eight at a time, until something has ended. */
  async function askWhile(running: Promise<Outcome>) {
    let [asked, failed, gap, since, over] = [0, 0, 0, 0, false];
    const ended = running.finally(() => {
      over = true;
    });
    const ask = async () => {
      while (!over) {
        asked += 1;
        const answered = await answers();
        if (!answered) failed += 1;
        if (!answered && since === 0) since = performance.now();
        if (answered && since > 0) {
          gap = Math.max(gap, Math.round(performance.now() - since));
          since = 0;
        }
        await sleep(answered ? 5 : 50);
      }
    };
    await Promise.all(Array.from({ length: 8 }, ask));
    return { asked, failed, gap, outcome: await ended };
  }
});

describe("kill -9 of everything in the middle of an upgrade", () => {
  const moments = (process.env.KILL_MOMENTS ?? "2500,5000").split(",").map(Number);

  test.each(moments)("after %d ms: one up leads to a healthy factory", async (moment) => {
    const running = (await factory.inspect("agents")).Config.Labels["org.opencontainers.image.version"];
    const next = running === "v0.1.0" ? "v0.2.0" : "v0.1.0";
    await set("release", next);
    await killAfter(moment);
    const recovered = await up();
    expect(recovered.exitCode, recovered.all).toBe(0);
    await expectRunning(next);
    // The plugins look every five minutes whether there still is a pulumi; the program has to end at once.
    const programs = processesIn(factory).filter((commandLine) => commandLine.includes("/cmd/run/"));
    expect(programs).toEqual([]);
  });

  /** Starts `./factory up` in a process group of its own, and kills all of it. */
  async function killAfter(moment: number): Promise<void> {
    const child = spawn(join(factory.directory, "factory"), ["up", "--stack", "test", "--yes"], {
      cwd: factory.directory,
      detached: true,
      stdio: "ignore",
      env: { ...factory.environment(), ...trusting(), DOCKER_HOST: dockerHost },
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await sleep(moment);
    await killGroup(child.pid ?? 0);
    await ended;
  }
});

describe("two ups at once", () => {
  test("one of them says who is at work, since when, and changes nothing", async () => {
    await set("agents.pollInterval", "7m");
    const first = up();
    await isLocked();
    const outcomes = [await up(), await first];
    expect(
      outcomes.map(({ exitCode }) => exitCode),
      outcomes.map(({ all }) => all).join("\n"),
    ).toEqual([1, 0]);
    expect(outcomes[0]?.all).toMatch(/Stack test is being worked on by \w+@\S+ \(process \d+\) since \d{4}-/);
    expect((await succeeds(up())).all).toContain("no changes.");
  });

  async function isLocked(): Promise<void> {
    const locks = join(factory.directory, ".factory/state/.pulumi/locks");
    while (!readdirSync(locks, { recursive: true }).some((file) => String(file).endsWith(".json"))) await sleep(20);
  }
});
