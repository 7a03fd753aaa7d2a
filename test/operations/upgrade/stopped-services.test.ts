import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findStopped, startStopped } from "../../../operations/upgrade/stopped-services.ts";
import { address, type FakeContainer, host } from "../../host/fake-docker.ts";

vi.mock("../../../host/docker.ts", async () => (await import("../../host/fake-docker.ts")).dockerCommands);

const said: string[] = [];
beforeEach(() => {
  host.reset();
  said.length = 0;
  vi.spyOn(console, "log").mockImplementation((line) => said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const named = { factory: "acme", hired: ["ada"], host: address };

function containers(statuses: Record<string, FakeContainer["status"]>): void {
  for (const [name, status] of Object.entries(statuses)) host.container(name, { status });
}

describe("services that a machine has left stopped", () => {
  test("are the agents, those that are hired, and the edge", async () => {
    containers({ "acme-edge": "exited", "acme-agents-ada": "dead", "acme-agents": "exited" });
    expect(await findStopped(named)).toEqual(["acme-agents", "acme-agents-ada", "acme-edge"]);
  });

  test("are not those that run, restart, or were never started", async () => {
    containers({ "acme-agents": "running", "acme-agents-ada": "restarting", "acme-edge": "created" });
    expect(await findStopped(named)).toEqual([]);
  });

  test("are no tasks: they end when they are done", async () => {
    containers({ "acme-runner": "exited", "acme-reproduce": "exited" });
    expect(await findStopped(named)).toEqual([]);
  });

  test("are none of another factory's, nor of agents that are not hired", async () => {
    containers({ "other-agents": "exited", "acme-agents-bob": "exited" });
    expect(await findStopped(named)).toEqual([]);
  });

  test("are none where a snapshot or a restore is at work, or was cut off: that has stopped them", async () => {
    containers({ "acme-agents": "exited", "acme-snapshot": "running" });
    expect(await findStopped(named)).toEqual([]);
    await startStopped(named);
    expect(host.commands).toEqual([]);
  });

  test("are started, each, and it is said", async () => {
    containers({ "acme-agents": "exited", "acme-agents-ada": "running", "acme-edge": "exited" });
    await startStopped(named);
    expect(host.commands).toEqual(["start acme-agents", "start acme-edge"]);
    expect(said).toEqual(["acme-agents was stopped, and is started.", "acme-edge was stopped, and is started."]);
    expect(host.containers.map(({ status }) => status)).toEqual(["running", "running", "running"]);
  });

  test("that do not start are told of with Docker's words, and do not keep the others from it", async () => {
    containers({ "acme-agents": "exited", "acme-edge": "exited" });
    host.startErrors["acme-agents"] = "port is already allocated";
    await startStopped(named);
    expect(said).toEqual([
      "acme-agents does not start: Error response from daemon: port is already allocated",
      "acme-edge was stopped, and is started.",
    ]);
  });
});
