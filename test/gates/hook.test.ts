import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { labelKeys } from "../../contract/names.ts";
import { runHook } from "../../gates/hook.ts";
import { projectDirectory } from "../../lib/program-files.ts";
import { address, host } from "../host/fake-docker.ts";

vi.mock("../../host/docker.ts", async () => (await import("../host/fake-docker.ts")).dockerCommands);

const said: string[] = [];
beforeEach(() => {
  host.reset();
  said.length = 0;
  vi.spyOn(console, "log").mockImplementation((line) => said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const images = [
  { image: "agents", version: "v0.2.0", id: "sha256:agents" },
  { image: "edge", version: "v0.3.0", id: "sha256:edge" },
];

function running(command: string, when: "before" | "after" = "before"): Promise<void> {
  return runHook(address, { factory: "acme", stack: "prod", when, command, images: JSON.stringify(images) });
}

/** What a command prints that then fails, behind the line that says so; a hook that succeeds is silent. */
async function printed(command: string): Promise<string[]> {
  const { message } = await running(`${command}; false`).catch((error) => error);
  return message.split("\n").slice(1, -1);
}

describe("a hook", () => {
  test("that there is none of runs nothing", async () => {
    await expect(running("")).resolves.toBeUndefined();
  });

  test("that succeeds says nothing", async () => {
    await expect(running("echo hello")).resolves.toBeUndefined();
    expect(said).toEqual([]);
  });

  test("knows the versions that run, and those that are to run", async () => {
    host.container("acme-agents", { labels: { [labelKeys.version]: "v0.1.0" } });
    host.container("acme-edge", { labels: { [labelKeys.version]: "v0.3.0" } });
    expect(await printed("env | grep -E '^FACTORY_(AGENTS|EDGE)_' | sort")).toEqual([
      "FACTORY_AGENTS_FROM=v0.1.0",
      "FACTORY_AGENTS_TO=v0.2.0",
      "FACTORY_EDGE_FROM=v0.3.0",
      "FACTORY_EDGE_TO=v0.3.0",
    ]);
  });

  test("finds an empty version where nothing runs, or what runs has none", async () => {
    host.container("acme-edge");
    expect(await printed(`echo "<$FACTORY_AGENTS_FROM$FACTORY_EDGE_FROM>"`)).toEqual(["<>"]);
  });

  test("knows whose it is, and runs in the project's directory, without an input", async () => {
    expect(await printed('echo "$FACTORY_NAME $FACTORY_STACK"; pwd; cat')).toEqual(["acme prod", projectDirectory()]);
  });

  test("before the upgrade stops it where it fails, with all it printed", async () => {
    const command = "echo out; echo err >&2; exit 3";
    await expect(running(command)).rejects.toMatchObject({
      code: "hook-failed",
      message: [
        `The hook before the upgrade (disinto:hooks.before) failed: ${command}`,
        "out",
        "err",
        "Nothing that runs was touched.",
      ].join("\n"),
    });
  });

  test("that is no program stops the upgrade too", async () => {
    await expect(running("/no/such/program")).rejects.toMatchObject({ code: "hook-failed" });
  });

  test("after the upgrade comes too late for that: it is told of, and the upgrade stays", async () => {
    await running("echo no; exit 1", "after");
    expect(said).toEqual(["The hook after the upgrade (disinto:hooks.after) failed: echo no; exit 1\nno"]);
  });
});
