import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeIn } from "../../contract/error-codes.ts";
import { TestFactory } from "./harness.ts";

let factory: TestFactory;

beforeAll(async () => {
  factory = await TestFactory.create();
});

afterAll(async () => {
  expect(await factory.leftovers()).toEqual([]);
  await factory.dispose();
});

describe("before anything is touched", () => {
  test("a wrong config is refused with everything that is wrong", async () => {
    await factory.configure({ agentsImage: "ghcr.io/disinto/agents", agents: { pollIntervall: "5m" } });
    const up = await factory.factory("up", ["--yes"]);
    expect(up.exitCode).toBe(2);
    expect(up.stderr).toContain("The config of stack test has 2 problems:");
    expect(up.stderr).toContain("did you mean: agents.pollInterval?");
    expect(up.stderr).toContain('agentsImage: "ghcr.io/disinto/agents" has no version');
    expect(codeIn(up.stderr)).toBe("config-invalid");
  });

  test("plain pulumi refuses it in the same words, without a stack trace", async () => {
    await factory.configure({});
    const preview = await factory.plain(
      "pulumi config set --stack test --path 'disinto:agents.pollIntervall' 5m && pulumi preview --stack test",
    );
    expect(preview.exitCode).not.toBe(0);
    expect(preview.all).toContain("did you mean: agents.pollInterval?");
    expect(preview.all).not.toMatch(/\n\s+at .*\.[jt]s:\d+/);
    expect(codeIn(preview.all)).toBe("config-invalid");
  });

  test("a stack without a file", async () => {
    await factory.configure({});
    const up = await factory.factory("up", ["--yes", "--stack", "nowhere"]);
    expect(up.exitCode).toBe(2);
    expect(up.stderr).toContain("There is no Pulumi.nowhere.yaml. Stacks here: dev, prod, test.");
    expect(up.stderr).toMatch(/\nerror: stack-file-missing \(docs\/troubleshooting\.md#stack-file-missing\)$/);
  });

  test("no daemon", async () => {
    await factory.configure({ dockerHost: "unix:///nonexistent/docker.sock" });
    const up = await factory.factory("up", ["--yes"], { DOCKER_HOST: "" });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toContain("unix:///nonexistent/docker.sock");
    expect(codeIn(up.stderr)).toBe("docker-unreachable");
  });

  test("DOCKER_CONTEXT, which would override the stack's host", async () => {
    await factory.configure({});
    const up = await factory.factory("up", ["--yes"], { DOCKER_CONTEXT: "elsewhere" });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toContain("DOCKER_CONTEXT");
    const status = await factory.factory("status", [], { DOCKER_CONTEXT: "elsewhere" });
    expect(status.exitCode).toBe(1);
    expect(codeIn(status.stderr)).toBe("docker-host-conflict");
    await factory.plain("true"); // from here on it has its environment
    const plain = await factory.plain("pulumi preview --stack test", { DOCKER_CONTEXT: "elsewhere" });
    expect(plain.exitCode).not.toBe(0);
    expect(codeIn(plain.all ?? "")).toBe("docker-host-conflict");
  });

  test("an unknown verb, and an unknown option", async () => {
    const verb = await factory.factory("upp");
    expect(verb.exitCode).toBe(2);
    expect(verb.stderr).toContain("Did you mean up?");
    const option = await factory.factory("up", ["--force"]);
    expect(option.exitCode).toBe(2);
    expect(option.stderr).toContain("--force");
    expect(codeIn(option.stderr)).toBe("usage");
  });
});
