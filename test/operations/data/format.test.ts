import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ImageName, labelKeys } from "../../../contract/names.ts";
import { acceptDataFormat, refuseOlderFormat } from "../../../operations/data/format.ts";
import { address, host } from "../../host/fake-docker.ts";

vi.mock("../../../host/docker.ts", async () => (await import("../../host/fake-docker.ts")).dockerCommands);

beforeEach(() => {
  host.reset();
  vi.stubEnv(acceptDataFormat, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function labels(format: string | undefined): Record<string, string> {
  return format === undefined ? {} : { [labelKeys.dataFormat]: format };
}

/** An image that reads one format, beside a container whose image wrote another. */
function given(reads: string | undefined, written: string | undefined): void {
  host.image("sha256:next", { labels: labels(reads) });
  host.container("acme-agents", { labels: labels(written) });
}

function checking(image: ImageName = "agents"): Promise<void> {
  return refuseOlderFormat(address, { factory: "acme", stack: "prod", image, id: "sha256:next" });
}

describe("an image that reads an older format of the data than was written", () => {
  test("is refused, with both ways to go on", async () => {
    given("1", "2");
    await expect(checking()).rejects.toMatchObject({
      code: "data-format-older",
      message: [
        "The image of agents reads data of format 1 (label io.disinto.data-format); the one that runs has written format 2.",
        "Nothing that runs was touched. Choose:",
        "  with the data of then:  ./factory rollback --stack prod --restore <version>",
        "  with the data of now:   ./factory rollback --stack prod --keep-data <version>",
      ].join("\n"),
    });
    expect(host.commands).toEqual([]);
  });

  test("is refused by number, not by letter", async () => {
    given("9", "10");
    await expect(checking()).rejects.toMatchObject({ code: "data-format-older" });
  });

  test("is refused also where what wrote it has stopped", async () => {
    given("1", "2");
    for (const container of host.containers) container.status = "exited";
    await expect(checking()).rejects.toMatchObject({ code: "data-format-older" });
  });

  test("is compared with the container of its own component", async () => {
    given("1", "2");
    await expect(checking("edge")).resolves.toBeUndefined();
    host.container("acme-edge", { labels: labels("3") });
    await expect(checking("edge")).rejects.toThrow("The image of edge reads data of format 1");
  });

  test("goes on where somebody has said so", async () => {
    given("1", "2");
    vi.stubEnv(acceptDataFormat, "1");
    await expect(checking()).resolves.toBeUndefined();
  });
});

describe("an image goes on", () => {
  test.each([
    ["that reads the same format", "2", "2"],
    ["that reads a newer one", "10", "9"],
    ["that does not say what it reads", undefined, "2"],
    ["where nobody said what was written", "1", undefined],
    ["with a label that is no number", "old", "2"],
  ])("%s", async (_, reads, written) => {
    given(reads, written);
    await expect(checking()).resolves.toBeUndefined();
  });

  test("that has no labels at all", async () => {
    given("1", "2");
    for (const image of host.images) image.labels = null;
    await expect(checking()).resolves.toBeUndefined();
  });

  test("where nothing runs", async () => {
    host.image("sha256:next", { labels: labels("1") });
    await expect(checking()).resolves.toBeUndefined();
  });

  test("that is not on the host yet: it is looked at once it is", async () => {
    host.container("acme-agents", { labels: labels("2") });
    await expect(checking()).resolves.toBeUndefined();
  });
});
