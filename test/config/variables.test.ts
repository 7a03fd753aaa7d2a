import { describe, expect, test } from "vitest";
import { type FactoryConfig, parseConfig } from "../../config/parse.ts";
import { ConfigError } from "../../config/problem.ts";
import { refusedVariable } from "../../config/variables.ts";
import { parseStackFile } from "../../pulumi/stack-file.ts";

function parse(values: Record<string, unknown>, secrets: string[] = []): FactoryConfig {
  const texts = Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]);
  return parseConfig({ stack: "test", values: Object.fromEntries(texts), secrets: new Set(secrets) });
}

function problemsOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("no ConfigError");
}

const bob = { roles: ["dev"] };

describe("variables of the agents", () => {
  test("are text, whatever pulumi has made of it", () => {
    const { environment } = parse({
      agents: { environment: { CLAUDE_TIMEOUT: 7200, DEBUG: true, BOTS: "a b" } },
    }).agents;
    expect(environment).toEqual({ CLAUDE_TIMEOUT: "7200", DEBUG: "true", BOTS: "a b" });
  });

  test("that the factory sets are refused, with the key that sets them", () => {
    expect(
      problemsOf(() => parse({ agents: { environment: { FORGE_URL: "https://x" } } })),
    ).toBe(`The config of stack test has 1 problem:

  agents.environment.FORGE_URL: is set by disinto:forge.url
    fix: pulumi config --stack test rm --path 'disinto:agents.environment.FORGE_URL'`);
  });

  test("need a name that is one", () => {
    expect(problemsOf(() => parse({ agents: { environment: { "NO-NAME": "x" } } }))).toContain(
      'agents.environment.NO-NAME: "NO-NAME" is not a name that can be given\n    allowed: names and values, both text',
    );
  });

  test.each([
    "FACTORY_REPO",
    "DISINTO_VERSION",
    "GITHUB_TOKEN",
    "NPM_TOKEN",
    "DEPLOY_KEY",
    "FORGE_TOKEN",
    "AGENT_ROLES",
  ])("%s is refused, plain and secret", (name) => {
    const plain = problemsOf(() => parse({ agents: { environment: { [name]: "canary" } } }));
    const secret = problemsOf(() => parse({ agentSecrets: { [name]: "canary" } }, ["agentSecrets"]));
    expect(plain).toContain(`agents.environment.${name}: `);
    expect(secret).toContain(`agentSecrets.${name}: `);
    expect(secret).not.toContain("canary");
  });

  test("of a hired agent have keys of their own, and it may have a forge token of its own", () => {
    const hired = { bob: { ...bob, environment: { ANTHROPIC_MODEL: "x", FORGE_TOKEN: "y" } } };
    const message = problemsOf(() => parse({ agents: { hired } }));
    expect(message).toContain(
      "agents.hired.bob.environment.ANTHROPIC_MODEL: is set by disinto:agents.hired.bob.model.name",
    );
    expect(message).toContain(
      "agents.hired.bob.environment.FORGE_TOKEN: is set by disinto:hiredSecrets.bob.FORGE_TOKEN",
    );
    expect(refusedVariable({ name: "FORGE_TOKEN", hired: "bob", secret: true })).toBeUndefined();
    expect(refusedVariable({ name: "ANTHROPIC_MODEL", secret: false })).toBeUndefined();
  });
});

describe("hired agents", () => {
  test("have a default interval, and a model where they are given one", () => {
    const model = { url: "http://models.internal:8000", name: "qwen" };
    expect(parse({ agents: { hired: { bob: { ...bob, model } } } }).agents.hired).toEqual({
      bob: { roles: ["dev"], pollInterval: 60, model, environment: {} },
    });
  });

  test.each(["Bob", "a_b", "canary", "bob-canary", "-bob", "x".repeat(33)])("cannot be called %s", (name) => {
    expect(problemsOf(() => parse({ agents: { hired: { [name]: bob } } }))).toContain(
      `agents.hired.${name}: "${name}" is not a name that can be given\n    allowed: names of up to 32 lower case letters`,
    );
  });

  test("have roles, and no keys that nobody knows", () => {
    const message = problemsOf(() => parse({ agents: { hired: { bob: { rolles: ["dev"] } } } }));
    expect(message).toContain("agents.hired.bob.roles: is missing");
    expect(message).toContain("agents.hired.bob.rolles: unknown key\n    did you mean: agents.hired.bob.roles?");
  });
});

describe("structured secrets", () => {
  const agentSecrets = { ANTHROPIC_API_KEY: "canary-key" };
  const hiredSecrets = { bob: { FORGE_TOKEN: "canary-token" } };

  test("are taken", () => {
    const config = parse({ agentSecrets, hiredSecrets, agents: { hired: { bob } } }, ["agentSecrets", "hiredSecrets"]);
    expect(config).toMatchObject({ agentSecrets, hiredSecrets });
  });

  test("in plain text are refused, and not shown", () => {
    const message = problemsOf(() => parse({ agentSecrets, hiredSecrets }));
    expect(message).toContain(`agentSecrets.ANTHROPIC_API_KEY: is stored in plain text
    allowed: a secret
    fix: make a new one, then pulumi config --stack test set --secret --path 'disinto:agentSecrets.ANTHROPIC_API_KEY'`);
    expect(message).toContain("hiredSecrets.bob.FORGE_TOKEN: is stored in plain text");
    expect(message).not.toContain("canary");
  });

  test.each(['"canary"', "canary", '{"A":1}', '["canary"]'])(
    "that are not a map of texts are refused, and not shown: %s",
    (text) => {
      const raw = { stack: "test", values: { agentSecrets: text }, secrets: new Set(["agentSecrets"]) };
      const message = problemsOf(() => parseConfig(raw));
      expect(message).toContain("agentSecrets: its value is not");
      expect(message).not.toContain("canary");
    },
  );

  test("of an agent that nearly has another's name are a slip; those of one that was let go may stay", () => {
    const given = (name: string) =>
      parse({ hiredSecrets: { [name]: { A: "b" } }, agents: { hired: { robert: bob } } }, ["hiredSecrets"]);
    expect(problemsOf(() => given("robbert"))).toContain("did you mean: hiredSecrets.robert?");
    expect(given("alice").hiredSecrets).toEqual({ alice: { A: "b" } });
  });

  const parseFile = (lines: string) => parseStackFile("test", "Pulumi.test.yaml", `config:\n${lines}`);

  test("are placeholders where a stack's file is read", () => {
    const { config } = parseFile(
      "  disinto:agentSecrets:\n    A: {secure: v1:x}\n  disinto:hiredSecrets: {bob: {B: {secure: v1:y}}}\n",
    );
    expect(config).toMatchObject({ agentSecrets: { A: "[secret]" }, hiredSecrets: { bob: { B: "[secret]" } } });
  });

  test("of which one is in plain text are refused by its name", () => {
    const message = problemsOf(() => parseFile("  disinto:agentSecrets:\n    A: {secure: v1:x}\n    B: canary\n"));
    expect(message).toContain("has 1 problem");
    expect(message).toContain("agentSecrets.B: is stored in plain text");
    expect(message).not.toContain("canary");
  });

  test("among plain variables are refused, with the key they belong to", () => {
    const message = problemsOf(() => parseFile("  disinto:agents: {environment: {A: {secure: v1:x}}}\n"));
    expect(message).toContain("agents.environment.A: is set with --secret");
    expect(message).toContain("set --secret --path 'disinto:agentSecrets.A'");
  });
});

describe("the network", () => {
  test("is a name, and none of Docker's own", () => {
    expect(parse({}).network).toBeUndefined();
    expect(parseConfig({ stack: "test", values: { network: "forge_default" }, secrets: new Set() }).network).toBe(
      "forge_default",
    );
    for (const network of ["host", "bridge", "none", "a b"]) {
      const raw = { stack: "test", values: { network }, secrets: new Set<string>() };
      expect(problemsOf(() => parseConfig(raw))).toContain(`network: "${network}" is not allowed`);
    }
  });
});
