import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drain } from "../../gates/drain.ts";
import { address, type FakeContainer, host } from "../host/fake-docker.ts";

vi.mock("../../host/docker.ts", async () => (await import("../host/fake-docker.ts")).dockerCommands);
vi.mock("node:timers/promises", async () => (await import("../host/fake-docker.ts")).timers);

const idle = { exitCode: 0, output: "" };
const busy = (what: string) => ({ exitCode: 75, output: what });
const asked = (name = "acme-agents") => `exec ${name} /usr/local/lib/disinto/drain 300`;
const givenBack = "exec acme-agents /usr/local/lib/disinto/drain 0";

const said: string[] = [];
beforeEach(() => {
  host.reset();
  said.length = 0;
  vi.spyOn(console, "log").mockImplementation((line) => said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

function healthy(name: string, given: Partial<FakeContainer> = {}): FakeContainer {
  return host.container(name, { health: { status: "healthy", outputs: [] }, ...given });
}

/** What the agents' program answers, one after the other; the last for ever. */
function answers(...all: ({ exitCode: number; output: string } | undefined)[]): void {
  let at = 0;
  host.exec = (_, [, seconds]) => {
    if (seconds === "0") return idle;
    at += 1;
    return all[Math.min(at, all.length) - 1];
  };
}

function draining(given: Partial<Parameters<typeof drain>[1]> = {}): Promise<void> {
  const parameters = { factory: "acme", stack: "prod", component: "agents", timeout: "60", ontimeout: "", command: "" };
  return drain(address, { ...parameters, ...given });
}

describe("an upgrade waits for the agents", () => {
  test("not at all where nothing runs", async () => {
    await draining();
    expect(host.commands).toEqual([]);
    expect(said).toEqual([]);
  });

  test("until they have nothing to do twice in a row", async () => {
    healthy("acme-agents");
    answers(idle);
    await draining();
    expect(host.commands).toEqual([asked(), asked()]);
    expect(said).toEqual([]);
    expect(host.seconds).toBe(1);
  });

  test("again where they have begun something between two looks", async () => {
    healthy("acme-agents");
    answers(idle, busy("issue 7"), idle, idle);
    await draining();
    expect(host.commands).toHaveLength(4);
    expect(said).toEqual(["waiting for acme-agents, which is at work: issue 7"]);
  });

  test("and says what for, once for each thing they are at", async () => {
    healthy("acme-agents");
    answers(busy("issue 7"), busy("issue 7"), busy("issue 8"), busy(""), idle);
    await draining();
    expect(said).toEqual([
      "waiting for acme-agents, which is at work: issue 7",
      "waiting for acme-agents, which is at work: issue 8",
      "waiting for acme-agents, which is at work",
    ]);
    expect(host.seconds).toBe(5);
  });

  test("and takes no answer for work", async () => {
    healthy("acme-agents");
    answers(undefined, idle);
    await draining();
    expect(said).toEqual(["waiting for acme-agents, which is at work"]);
    expect(host.seconds).toBe(22);
  });

  test("and does not ask those that are not healthy: they have no work to lose", async () => {
    healthy("acme-agents", { health: { status: "unhealthy", outputs: [] } });
    await draining();
    expect(host.commands).toEqual([]);
  });

  test("and does not ask those that have stopped", async () => {
    healthy("acme-agents", { status: "exited", health: undefined });
    await draining();
    expect(host.commands).toEqual([]);
  });

  test("whose image has no health check", async () => {
    host.container("acme-agents");
    answers(idle);
    await draining();
    expect(host.commands).toHaveLength(2);
  });

  test("that have a program of their own, with its own words", async () => {
    healthy("acme-agents");
    answers(idle);
    await draining({ command: JSON.stringify(["/opt/busy", "--all agents"]) });
    expect(host.commands).toEqual(Array(2).fill("exec acme-agents /opt/busy --all agents"));
  });
});

describe("an upgrade waits for tasks", () => {
  test.each(["acme-runner", "acme-reproduce"])("such as %s, while it runs", async (name) => {
    healthy("acme-agents");
    answers(idle);
    const task = host.container(name);
    host.at(10, () => Object.assign(task, { status: "exited" }));
    await draining();
    expect(said).toEqual([`waiting for ${name}, which is at work`]);
    expect(host.seconds).toBe(11);
  });

  test("though the agents are not there", async () => {
    host.container("acme-runner");
    await expect(draining()).rejects.toThrow("Still at work after 60 s: acme-runner, which is at work");
  });

  test("but not of a hired agent, which has none", async () => {
    host.container("acme-runner");
    healthy("acme-agents-ada");
    answers(idle);
    await draining({ component: "agents-ada" });
    expect(host.commands).toEqual([asked("acme-agents-ada"), asked("acme-agents-ada")]);
    expect(said).toEqual([]);
  });
});

describe("agents that are at work till the end of the time", () => {
  test("stop the upgrade, and take up work again", async () => {
    healthy("acme-agents");
    answers(busy("issue 7"));
    await expect(draining()).rejects.toMatchObject({
      code: "still-at-work",
      message: expect.stringContaining(
        [
          "Still at work after 60 s: acme-agents, which is at work: issue 7",
          "  later:      ./factory up --stack prod",
          "  longer:     ./factory pulumi -- config set --stack prod --path disinto:agents.drain.timeout 2h",
          "  stop them:  ./factory pulumi -- config set --stack prod --path disinto:agents.drain.onTimeout stop",
        ].join("\n"),
      ),
    });
    expect(host.seconds).toBe(60);
    expect(host.commands.at(-1)).toBe(givenBack);
    expect(host.commands.filter((command) => command === givenBack)).toHaveLength(1);
    expect(said).toHaveLength(1);
  });

  test("that is none stop it at once", async () => {
    healthy("acme-agents");
    answers(busy("issue 7"));
    await expect(draining({ timeout: "0" })).rejects.toMatchObject({ code: "still-at-work" });
    expect(host.seconds).toBe(0);
  });

  test("do not where the time is over between two idle looks", async () => {
    healthy("acme-agents");
    answers(idle);
    await draining({ timeout: "0" });
    expect(host.commands).toEqual([asked(), asked()]);
  });

  test("and whose program is their own are not told to take up work: it knows no such words", async () => {
    healthy("acme-agents");
    answers(busy(""));
    const command = JSON.stringify(["/opt/busy"]);
    await expect(draining({ command })).rejects.toMatchObject({ code: "still-at-work" });
    expect(new Set(host.commands)).toEqual(new Set(["exec acme-agents /opt/busy"]));
  });

  test("are stopped where the config says so", async () => {
    healthy("acme-agents");
    answers(busy("issue 7"));
    await draining({ ontimeout: "stop" });
    expect(said).toEqual([
      "waiting for acme-agents, which is at work: issue 7",
      "not waiting for acme-agents, which is at work: issue 7",
    ]);
    expect(host.seconds).toBe(60);
    expect(host.commands).not.toContain(givenBack);
  });

  test("and are hired come after the factory's own: they alone were not touched", async () => {
    healthy("acme-agents-ada");
    answers(busy("issue 7"));
    const error = await draining({ component: "agents-ada" }).catch((thrown) => thrown);
    expect(error.code).toBe("still-at-work");
    expect(error.message).toMatch(/^Still at work after 60 s: acme-agents-ada, which is at work: issue 7\n/);
    expect(error.message).toMatch(/\nacme-agents-ada was not touched\.$/);
    expect(host.commands.at(-1)).toBe("exec acme-agents-ada /usr/local/lib/disinto/drain 0");
  });
});

describe("agents without a program that says whether they are at work", () => {
  const missing = {
    exitCode: 126,
    output: 'OCI runtime exec failed: exec: "/opt/busy": stat /opt/busy: no such file or directory',
  };

  test("are not waited for: nobody knows, and the ways out are told", async () => {
    healthy("acme-agents");
    answers(missing);
    await expect(draining({ command: JSON.stringify(["/opt/busy"]) })).rejects.toMatchObject({
      code: "still-at-work",
      message: expect.stringContaining(
        [
          "Nobody knows whether the agents are at work: acme-agents has no program /opt/busy that says whether it is at work.",
          "  name one:   agents.drain.command in Pulumi.prod.yaml (docs/config.md)",
          "  stop them:  ./factory pulumi -- config set --stack prod --path disinto:agents.drain.onTimeout stop",
        ].join("\n"),
      ),
    });
    expect(host.seconds).toBe(0);
  });

  test("are stopped at once where the config says so", async () => {
    healthy("acme-agents");
    answers({ exitCode: 127, output: 'exec: "drain": executable file not found in $PATH' });
    await draining({ ontimeout: "stop" });
    expect(said).toEqual([
      "not waiting for acme-agents has no program /usr/local/lib/disinto/drain that says whether it is at work",
    ]);
    expect(host.seconds).toBe(0);
  });
});
