import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import confirm from "@inquirer/confirm";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { labelKeys } from "../../../contract/names.ts";
import {
  finishCutOff,
  nameWasTaken,
  refuseTakenNames,
  removeLeftovers,
} from "../../../operations/upgrade/leftovers.ts";
import { runPulumi } from "../../../pulumi/run.ts";
import { listStacks, readState, type StackState } from "../../../pulumi/state.ts";
import type { Workspace } from "../../../pulumi/workspace.ts";
import { address, type FakeContainer, host } from "../../host/fake-docker.ts";

vi.mock("../../../host/docker.ts", async () => (await import("../../host/fake-docker.ts")).dockerCommands);
vi.mock("../../../pulumi/state.ts", () => ({ readState: vi.fn(), listStacks: vi.fn() }));
vi.mock("../../../pulumi/run.ts", () => ({
  runPulumi: vi.fn(),
  historyMessage: (what: string) => [`--message=${what}`],
  unasked: ["--yes"],
}));
vi.mock("@inquirer/confirm", () => ({ default: vi.fn() }));

const said: string[] = [];
/** What the state of each stack knows. */
let states: Record<string, Partial<StackState>>;
let terminal: boolean | undefined;

beforeEach(() => {
  host.reset();
  said.length = 0;
  states = { prod: {} };
  terminal = process.stdin.isTTY;
  vi.spyOn(console, "log").mockImplementation((line) => said.push(line));
  vi.mocked(runPulumi).mockReset();
  vi.mocked(confirm).mockReset();
  vi.mocked(listStacks).mockImplementation(async () => Object.keys(states));
  vi.mocked(readState).mockImplementation(async ({ stack }, other = stack) => stateOf(other));
});
afterEach(() => {
  process.stdin.isTTY = terminal as boolean;
  vi.restoreAllMocks();
});

function workspaceWith(network?: string): Workspace {
  const config = { factoryName: "acme", dockerHost: address, agents: { hired: { ada: {} } }, network };
  return { stack: "prod", config } as unknown as Workspace;
}
const workspace = workspaceWith();

function stateOf(stack: string): StackState {
  return { resources: [], cutOff: false, unfinished: [], ...states[stack] };
}

function resource(kind: "container" | "network", id: string) {
  const type = { container: "docker:index/container:Container", network: "docker:index/network:Network" }[kind];
  return { urn: `urn:${id}`, type, id };
}

const ours = { [labelKeys.factory]: "acme" };

function own(name: string, given: Partial<FakeContainer> = {}): FakeContainer {
  return host.container(name, { labels: ours, ...given });
}
const names = () => host.containers.map(({ name }) => name);

describe("what an up that was killed has left", () => {
  const removing = (ask = false) => removeLeftovers(workspace, { ask });

  test("is nothing where the state knows all there is", async () => {
    const agents = own("acme-agents");
    const network = host.network("acme_disinto-net", { labels: ours });
    states = { prod: { resources: [resource("container", agents.id), resource("network", network.id)] } };
    expect(await removing()).toBe(false);
    expect(said).toEqual([]);
    expect(names()).toEqual(["acme-agents"]);
    expect(host.networks).toHaveLength(1);
  });

  test("is removed: containers with time to end in, then the network, and no volume", async () => {
    const known = own("acme-edge");
    const [agents, ada] = [own("acme-agents"), own("acme-agents-ada")];
    const network = host.network("acme_disinto-net", { labels: ours });
    states = { prod: { resources: [resource("container", known.id)] } };
    expect(await removing()).toBe(true);
    expect(host.commands.slice(1)).toEqual([
      `stop ${agents.id} ${ada.id}`,
      `rm ${agents.id} ${ada.id}`,
      `network rm ${network.id}`,
    ]);
    expect(names()).toEqual(["acme-edge"]);
    expect(said).toEqual([
      [
        "These are factory acme's, and the state of stack prod does not know them (an up was killed):",
        "  container acme-agents",
        "  container acme-agents-ada",
        "  network acme_disinto-net",
        "They hold no data. To be removed and made anew; the data volumes stay as they are.",
      ].join("\n"),
    ]);
  });

  test("is no network of somebody else with the same name, nor one that the config names", async () => {
    host.network("acme_disinto-net");
    expect(await removing()).toBe(false);
    host.network("acme_disinto-net", { labels: ours });
    expect(await removeLeftovers(workspaceWith("acme_disinto-net"), { ask: false })).toBe(false);
    expect(host.networks).toHaveLength(2);
  });

  test("is not touched where one of it is somebody else's: that is told, with what to do", async () => {
    own("acme-agents");
    host.container("acme-edge", { labels: { [labelKeys.factory]: "other" } });
    await expect(removing()).rejects.toMatchObject({
      code: "name-taken",
      message: [
        "In the way, and not factory acme's (no label io.disinto.factory=acme): acme-edge.",
        "Nothing that runs was touched. Rename it (docker rename acme-edge acme-edge-old) or remove it, then: ./factory up --stack prod",
      ].join("\n"),
    });
    expect(names()).toEqual(["acme-agents", "acme-edge"]);
  });

  test("is not touched where another stack knows it: two would take it from each other", async () => {
    const agents = own("acme-agents");
    states = { dev: {}, prod: {}, staging: { resources: [resource("container", agents.id)] } };
    await expect(removing()).rejects.toMatchObject({
      code: "factory-taken",
      message: [
        `Factory acme on ${address} is that of stack staging. Nothing that runs was touched.`,
        "Go on with it: ./factory up --stack staging",
        "Give stack prod a factory of its own: ./factory pulumi -- config set --stack prod disinto:factoryName <name>",
        "Hand it over, with its data: ./factory destroy --stack staging, then ./factory up --stack prod",
      ].join("\n"),
    });
    expect(names()).toEqual(["acme-agents"]);
  });

  test("is removed only once somebody has said so, where they are to be asked", async () => {
    own("acme-agents");
    process.stdin.isTTY = true;
    vi.mocked(confirm).mockResolvedValueOnce(false);
    await expect(removing(true)).rejects.toMatchObject({ code: "cancelled", message: "Nothing was removed." });
    expect(names()).toEqual(["acme-agents"]);
    vi.mocked(confirm).mockResolvedValueOnce(true);
    expect(await removing(true)).toBe(true);
    expect(names()).toEqual([]);
    expect(confirm).toHaveBeenLastCalledWith({ message: "Remove them, and go on?", default: false });
  });

  test("stays where there is nobody to ask", async () => {
    own("acme-agents");
    process.stdin.isTTY = false;
    await expect(removing(true)).rejects.toMatchObject({
      code: "nobody-to-ask",
      message: "Nobody to ask here. Nothing was removed: ./factory up --stack prod --yes",
      exitCode: 2,
    });
    expect(names()).toEqual(["acme-agents"]);
    expect(confirm).not.toHaveBeenCalled();
  });
});

describe("an up of a stack that knows no container", () => {
  const refusing = () => refuseTakenNames(workspace, stateOf("prod"));

  test("goes on where the names are free, though the network is there", async () => {
    host.container("other-agents", { labels: ours });
    host.network("acme_disinto-net", { labels: ours });
    await expect(refusing()).resolves.toBeUndefined();
  });

  test("is refused where the factory's containers are there: adopt takes them over", async () => {
    own("acme-agents");
    own("acme-edge", { status: "exited" });
    await expect(refusing()).rejects.toMatchObject({
      code: "containers-unknown",
      message: [
        "These are factory acme's, and the state of stack prod knows no container (it was lost, or they were made by hand):",
        "  container acme-agents",
        "  container acme-edge",
        "Nothing was touched. Take them over, as they run: ./factory adopt --stack prod",
      ].join("\n"),
    });
  });

  test("is refused where they are somebody else's, or another stack's", async () => {
    const agents = host.container("acme-agents");
    await expect(refusing()).rejects.toMatchObject({ code: "name-taken" });
    agents.labels = ours;
    states = { prod: {}, dev: { resources: [resource("container", agents.id)] } };
    await expect(refusing()).rejects.toMatchObject({ code: "factory-taken" });
  });

  test("is not this one, where it knows a container: what else is there is left to up", async () => {
    own("acme-agents");
    states = { prod: { resources: [resource("container", "gone")] } };
    await expect(refusing()).resolves.toBeUndefined();
    expect(readState).not.toHaveBeenCalled();
  });
});

describe("an update that was cut off", () => {
  const finishing = () => finishCutOff(workspace, "up", { ask: false });
  const unfinished = [resource("container", "x").type];

  /** What pulumi finds out, when it looks. */
  function refreshed(state: Partial<StackState> = {}): void {
    vi.mocked(runPulumi).mockImplementation(async () => {
      states.prod = state;
      return undefined as never;
    });
  }

  test("is none where all steps have ended: pulumi is not run", async () => {
    own("acme-agents");
    expect(await finishing()).toEqual(stateOf("prod"));
    expect(runPulumi).not.toHaveBeenCalled();
    expect(names()).toEqual(["acme-agents"]);
  });

  test("is looked into, and the container it made without writing it down goes", async () => {
    own("acme-agents");
    states = { prod: { cutOff: true, unfinished } };
    refreshed();
    expect(await finishing()).toEqual({ resources: [], cutOff: false, unfinished: [] });
    expect(runPulumi).toHaveBeenCalledExactlyOnceWith(workspace, "refresh", [
      "--clear-pending-creates",
      "--message=up",
      "--yes",
    ]);
    expect(said[0]).toBe("Stack prod has steps that were begun and never ended: looking at what came of them.");
    expect(names()).toEqual([]);
  });

  test("keeps what it wrote down, and takes away the rest, where it had begun a container", async () => {
    const edge = own("acme-edge");
    own("acme-agents");
    states = { prod: { cutOff: true, unfinished: ["docker:index/volume:Volume"] } };
    refreshed({ resources: [resource("container", edge.id)] });
    await finishing();
    expect(names()).toEqual(["acme-edge"]);
  });

  test("leaves what is older than it, where it had begun neither network nor container", async () => {
    own("acme-agents");
    states = { prod: { cutOff: true, unfinished: ["docker:index/volume:Volume"] } };
    refreshed();
    await finishing();
    expect(names()).toEqual(["acme-agents"]);
  });
});

describe("an update failed for a name", () => {
  const directory = mkdtempSync(join(tmpdir(), "leftovers-"));
  const log = join(directory, "events");
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each([
    ["that a container has", 'Error: Conflict. The container name "/acme-edge" is already in use', true],
    ["that two networks have", "network acme_disinto-net is ambiguous (2 matches found on name)", true],
    ["of nothing, where it failed for something else", "no space left on device", false],
  ])("%s, as its log says", (_, line, expected) => {
    writeFileSync(log, `${JSON.stringify({ diagnosticEvent: { message: line } })}\n`);
    expect(nameWasTaken(log)).toBe(expected);
  });

  test("that it did not say, where there is no log", () => {
    expect(nameWasTaken(join(directory, "none"))).toBe(false);
  });
});
