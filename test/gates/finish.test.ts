import { beforeEach, describe, expect, test, vi } from "vitest";
import { volumeMounts } from "../../contract/mounts.ts";
import { type ComponentName, volumeName } from "../../contract/names.ts";
import { finish } from "../../gates/finish.ts";
import { address, type FakeContainer, host } from "../host/fake-docker.ts";

vi.mock("../../host/docker.ts", async () => (await import("../host/fake-docker.ts")).dockerCommands);
vi.mock("node:timers/promises", async () => (await import("../host/fake-docker.ts")).timers);

beforeEach(() => host.reset());

const anonymous = "0123456789abcdef".repeat(4);

/** What the contract mounts in a component. */
function mountsOf(component: ComponentName): FakeContainer["mounts"] {
  return volumeMounts(component).map(({ path, volume, readOnly }) => {
    return { Type: "volume", Name: volumeName("acme", volume), Destination: path, RW: !readOnly };
  });
}

function made(component: ComponentName, given: Partial<FakeContainer> = {}): FakeContainer {
  return host.container(`acme-${component}`, {
    mounts: mountsOf(component),
    health: { status: "healthy", outputs: [] },
    ...given,
  });
}

/** The gate behind a new container, which it is told of by its ID. */
function finishing({ id, name }: FakeContainer, run: "service" | "task" = "service"): Promise<void> {
  const component = name.slice("acme-".length);
  return finish(address, { factory: "acme", stack: "prod", component, container: id, pids: "512", run });
}

describe("a new container", () => {
  test("gets its limit of processes, before it is waited for", async () => {
    const container = made("agents", { health: { status: "starting", outputs: [] } });
    host.at(2, () => {
      expect(container.pids).toBe(512);
      container.health = { status: "healthy", outputs: [] };
    });
    await finishing(container);
    expect(host.seconds).toBe(2);
    expect(host.commands).toEqual([`update --pids-limit=512 ${container.id}`]);
  });

  test("that is a task's gets it too, and is not waited for", async () => {
    const container = made("runner", { status: "created", health: undefined });
    await finishing(container, "task");
    expect(container.pids).toBe(512);
    expect(host.seconds).toBe(0);
  });

  test("that is not healthy ends the upgrade, with the way back", async () => {
    const container = made("edge", { health: { status: "unhealthy", outputs: ["502"] }, logs: ["no route"] });
    await expect(finishing(container)).rejects.toMatchObject({
      code: "unhealthy",
      message: [
        `The new edge ${container.id} is unhealthy: 502`,
        "Its last lines:",
        "  no route",
        "The data volumes are as they were. Go back: ./factory rollback --stack prod",
      ].join("\n"),
    });
  });

  test("that is gone before it has its limit fails with Docker's words", async () => {
    const container = made("edge");
    host.containers = [];
    await expect(finishing(container)).rejects.toMatchObject({
      code: "docker-failed",
      message: expect.stringContaining("No such container"),
    });
  });
});

describe("a new container is refused", () => {
  const state = "/home/agent/disinto/state";
  const agents = mountsOf("agents");
  const without = agents.filter(({ Destination }) => Destination !== state);
  const cases: [string, FakeContainer["mounts"], string][] = [
    ["without one of the data volumes", without, `${state}: the volume acme_state is not mounted there`],
    [
      "with an anonymous volume in place of one",
      [...without, { Type: "volume", Name: anonymous, Destination: state, RW: true }],
      `${state}: an anonymous volume (0123456789ab), which the next container does not get, is mounted there, not the volume acme_state`,
    ],
    [
      "with an anonymous volume besides",
      [...agents, { Type: "volume", Name: anonymous, Destination: "/cache", RW: true }],
      "/cache: an anonymous volume (0123456789ab), which the next container does not get, is mounted there",
    ],
    [
      "with another factory's volume",
      [...without, { Type: "volume", Name: "other_state", Destination: state, RW: true }],
      `${state}: the volume other_state is mounted there, not the volume acme_state`,
    ],
    [
      "with a directory of the host in place of one",
      [...without, { Type: "bind", Destination: state, RW: true }],
      `${state}: a directory of the host is mounted there, not the volume acme_state`,
    ],
    [
      "that cannot write its data",
      agents.map((mount) => ({ ...mount, RW: mount.Destination !== state })),
      `${state}: the volume acme_state is read-only there`,
    ],
  ];
  test.each(cases)("%s, with what to do", async (_, mounts, problem) => {
    await expect(finishing(made("agents", { mounts }))).rejects.toMatchObject({
      code: "mounts-wrong",
      message: [
        "The container acme-agents has other volumes than the contract says:",
        `  ${problem}`,
        "  What it writes there seems lost when it is replaced next. The factory's data volumes are as they were.",
        "  stop it:  docker stop acme-agents",
        "  go back:  ./factory rollback --stack prod",
      ].join("\n"),
    });
  });

  test("that is the edge, where it could write the agents' state", async () => {
    const mounts = mountsOf("edge").map((mount) => ({ ...mount, RW: true }));
    await expect(finishing(made("edge", { mounts }))).rejects.toThrow(
      "/srv/factory/state: the volume acme_state is writable there",
    );
  });

  test("and a task's is too, before anybody gives it work", async () => {
    await expect(finishing(made("reproduce", { mounts: [] }), "task")).rejects.toMatchObject({ code: "mounts-wrong" });
  });

  test("but not for a directory of the host at another path", async () => {
    const mounts = [...agents, { Type: "bind", Destination: "/run/secrets/token", RW: false }];
    const container = made("agents", { mounts });
    await finishing(container);
    expect(container.pids).toBe(512);
  });

  test("and a hired agent's has data of its own", async () => {
    const hired = made("agents-ada");
    await finishing(hired);
    expect(hired.pids).toBe(512);
    const wrong = made("agents-bob", { mounts: agents });
    await expect(finishing(wrong)).rejects.toThrow(
      `${state}: the volume acme_state is mounted there, not the volume acme_agents-bob-state`,
    );
  });
});
