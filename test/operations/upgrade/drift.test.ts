import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { refreshOptions } from "../../../operations/upgrade/drift.ts";
import type { StateResource } from "../../../pulumi/state.ts";
import type { Workspace } from "../../../pulumi/workspace.ts";
import { address, host } from "../../host/fake-docker.ts";

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

const workspace = { stack: "prod", config: { dockerHost: address } } as Workspace;

function resource(type: string, name: string, id?: string): StateResource {
  return { urn: `urn:${name}`, type, id, inputs: { name } };
}
const provider = (at: string): StateResource => ({
  urn: "urn:provider",
  type: "pulumi:providers:docker",
  inputs: { host: at },
});
const volume = (name: string) => resource("docker:index/volume:Volume", name, name);

/** A factory that is there, and what the state says of it. */
function factory(): StateResource[] {
  host.volumes.push("acme_state", "acme_projects");
  const [agents, edge] = [host.container("acme-agents"), host.container("acme-edge")];
  const network = host.network("acme_disinto-net");
  return [
    provider(address),
    volume("acme_state"),
    volume("acme_projects"),
    resource("docker:index/container:Container", agents.name, agents.id),
    resource("docker:index/container:Container", edge.name, edge.id),
    resource("docker:index/network:Network", network.name, network.id),
    resource("docker:index/remoteImage:RemoteImage", "agents", "sha256:agents"),
  ];
}

function looking(resources: StateResource[]): Promise<string[]> {
  return refreshOptions(workspace, { resources, cutOff: false, unfinished: [] });
}

describe("pulumi looks at the host", () => {
  test("not where all that the state knows is there", async () => {
    expect(await looking(factory())).toEqual([]);
    expect(said).toEqual([]);
  });

  test("where a container or the network is gone, and what is gone is told", async () => {
    const resources = factory();
    host.containers = host.containers.filter(({ name }) => name !== "acme-edge");
    host.networks = [];
    expect(await looking(resources)).toEqual(["--refresh"]);
    expect(said).toEqual(["Gone from the Docker host, to be made anew: acme-edge, acme_disinto-net."]);
  });

  test("where another container has taken the name of one that is gone", async () => {
    const resources = factory();
    host.containers = host.containers.filter(({ name }) => name !== "acme-edge");
    host.container("acme-edge");
    expect(await looking(resources)).toEqual(["--refresh"]);
    expect(said).toEqual(["Gone from the Docker host, to be made anew: acme-edge."]);
  });

  test("not for a stopped container, which is still there", async () => {
    const resources = factory();
    for (const container of host.containers) container.status = "exited";
    expect(await looking(resources)).toEqual([]);
  });

  test("not where the state knows nothing", async () => {
    expect(await looking([])).toEqual([]);
  });

  test("not where the state is of another Docker host: all would seem gone", async () => {
    const [, ...resources] = factory();
    Object.assign(host, { containers: [], networks: [], volumes: [] });
    expect(await looking([provider("ssh://elsewhere"), ...resources])).toEqual([]);
    expect(said).toEqual([]);
  });
});

describe("lost data volumes", () => {
  test("stop everything: pulumi would go on with empty ones", async () => {
    const resources = factory();
    Object.assign(host, { volumes: [], containers: [] });
    await expect(looking(resources)).rejects.toMatchObject({
      code: "data-volumes-missing",
      message: [
        `Gone from ${address}, with the data that was in them: acme_state, acme_projects. Nothing was touched.`,
        "Somebody deleted them (docker volume rm, docker volume prune). Put them back from a copy, under these names.",
        "Only to go on without that data: docker volume create acme_state && docker volume create acme_projects, then ./factory up --stack prod",
      ].join("\n"),
    });
    expect(said).toEqual([]);
    expect(host.commands).toEqual([]);
  });

  test("are only those that are lost", async () => {
    const resources = factory();
    host.volumes = ["acme_projects"];
    await expect(looking(resources)).rejects.toThrow("that was in them: acme_state. Nothing was touched.");
  });
});
