import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { masked } from "../operations/preview/support.ts";
import { TestFactory } from "./harness.ts";

const canary = "canary-forge-token-4712";
const golden = join(import.meta.dirname, "../golden");

let factory: TestFactory;

beforeAll(async () => {
  factory = await TestFactory.create();
});

afterAll(async () => {
  await factory.dispose();
});

/** The comment of a preview that must go well, and leave git as it was. */
async function comment(): Promise<string> {
  const before = await factory.git("status", "--porcelain");
  const preview = await factory.factory("preview", ["--markdown"]);
  expect(preview.exitCode, preview.all).toBe(0);
  expect(preview.stdout.split("\n")[0]).toBe("<!-- factory preview: test -->");
  expect(preview.all).not.toContain(canary);
  expect(await factory.git("status", "--porcelain")).toBe(before);
  return masked(`${preview.stdout}\n`, factory.name);
}

describe("the comment", () => {
  test("of a stack that was never deployed", async () => {
    const markdown = await comment();
    expect(markdown).toContain("this stack was never deployed");
    expect(markdown).toContain("- agents: starts\n");
  });

  test("where there is nothing to change", async () => {
    const up = await factory.factory("up", ["--yes"]);
    expect(up.exitCode, up.all).toBe(0);
    await expect(await comment()).toMatchFileSnapshot(join(golden, "preview-nothing.md"));
  });

  test("of an upgrade", async () => {
    const dockerfile = join(factory.directory, "tiny/docker/agents/Dockerfile");
    const content = readFileSync(dockerfile, "utf8");
    writeFileSync(dockerfile, `${content}LABEL release=next\n`);
    await expect(await comment()).toMatchFileSnapshot(join(golden, "preview-upgrade.md"));
    writeFileSync(dockerfile, content);
  });

  test("of a change that lets go of the data volumes", async () => {
    await factory.configure({ factoryName: `${factory.name}-next` });
    await expect(await comment()).toMatchFileSnapshot(join(golden, "preview-volumes.md"));
  });

  test("of a changed config, with a secret in it", async () => {
    await factory.configure({ agents: { pollInterval: "1m" } });
    const set = await factory.plain(`printf %s ${canary} | pulumi config set --stack test --secret disinto:forgeToken`);
    expect(set.exitCode, set.all).toBe(0);
    await expect(await comment()).toMatchFileSnapshot(join(golden, "preview-config.md"));
  });

  test("of a secret that became another one", async () => {
    const set = (token: string) =>
      factory.plain(`printf %s ${token} | pulumi config set --stack test --secret disinto:forgeToken`);
    const up = await factory.factory("up", ["--yes"]);
    expect(up.exitCode, up.all).toBe(0);
    await set(`${canary}-rotated`);
    expect(await comment()).toContain("| `forgeToken` | `[secret]` | `[secret]` (another value) |");
  });
});

describe("a preview that fails", () => {
  test("says so in the comment, and in its exit code", async () => {
    await factory.configure({ agents: { pollIntervall: "5m" } });
    const preview = await factory.factory("preview", ["--markdown"]);
    expect(preview.exitCode).toBe(2);
    expect(preview.stdout).toContain("### Factory `test`: the preview failed");
    expect(preview.stdout).toContain("did you mean: agents.pollInterval?");
  });
});
