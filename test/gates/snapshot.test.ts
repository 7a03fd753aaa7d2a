import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { snapshotBefore } from "../../gates/snapshot.ts";
import { takeSnapshot } from "../../operations/data/take.ts";
import { address, host } from "../host/fake-docker.ts";

vi.mock("../../host/docker.ts", async () => ({
  ...(await import("../host/fake-docker.ts")).dockerCommands,
  confined: [],
}));
vi.mock("../../operations/data/take.ts", () => ({ takeSnapshot: vi.fn() }));
vi.mock("../../operations/data/text.ts", () => ({ formatTaken: () => "taken" }));

beforeEach(() => {
  host.reset();
  vi.mocked(takeSnapshot).mockReset();
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

const next = { agents: "sha256:new-agents", reproduce: "sha256:reproduce", edge: "sha256:edge" };

function upgrading({ hired = [] as string[], edge = "v0.2.0" } = {}): Promise<void> {
  const versions = { agents: "v0.2.0", reproduce: "v0.2.0", edge };
  const images = Object.entries(next).map(([image, id]) => {
    return { image, id, version: versions[image as keyof typeof versions] };
  });
  return snapshotBefore(address, {
    stack: "prod",
    factory: "acme",
    repository: "/var/backups",
    password: "secret",
    keep: "7",
    hired: JSON.stringify(hired),
    images: JSON.stringify(images),
  });
}

describe("before an upgrade a snapshot is taken", () => {
  test("where an image changes, named after what comes", async () => {
    host.container("acme-agents", { image: "sha256:old-agents" });
    host.container("acme-edge", { image: "sha256:edge" });
    await upgrading();
    expect(takeSnapshot).toHaveBeenCalledExactlyOnceWith(
      { stack: "prod", factory: "acme", hired: [], host: address, repository: "/var/backups", password: "secret" },
      expect.objectContaining({ why: "before v0.2.0", keep: 7 }),
    );
    expect(console.log).toHaveBeenCalledExactlyOnceWith("taken");
  });

  test("where only a task's image changes, though the task has ended", async () => {
    host.container("acme-reproduce", { image: "sha256:old", status: "exited" });
    await upgrading();
    expect(takeSnapshot).toHaveBeenCalledOnce();
  });

  test("where only a hired agent's image changes", async () => {
    host.container("acme-agents", { image: next.agents });
    host.container("acme-agents-ada", { image: "sha256:old-agents" });
    await upgrading();
    expect(takeSnapshot).not.toHaveBeenCalled();
    await upgrading({ hired: ["ada"] });
    expect(takeSnapshot).toHaveBeenCalledOnce();
  });

  test("that names each image's version where they differ", async () => {
    host.container("acme-edge", { image: "sha256:old-edge" });
    await upgrading({ edge: "v0.3.0" });
    const [, options] = vi.mocked(takeSnapshot).mock.calls[0] ?? [];
    expect(options?.why).toBe("before agents v0.2.0, reproduce v0.2.0, edge v0.3.0");
  });

  test("but not where nothing runs", async () => {
    await upgrading();
    expect(takeSnapshot).not.toHaveBeenCalled();
  });

  test("but not where the same images go on", async () => {
    for (const [image, id] of Object.entries(next)) host.container(`acme-${image}`, { image: id });
    host.container("acme-runner", { image: next.agents });
    await upgrading();
    expect(takeSnapshot).not.toHaveBeenCalled();
  });

  test("and where it fails, the upgrade does", async () => {
    host.container("acme-agents", { image: "sha256:old-agents" });
    vi.mocked(takeSnapshot).mockRejectedValue(new Error("disk full"));
    await expect(upgrading()).rejects.toThrow("disk full");
  });
});
