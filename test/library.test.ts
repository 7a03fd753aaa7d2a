import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { factoryConfig } from "../program/options.ts";

test("options get the defaults of a stack's config", () => {
  const config = factoryConfig({ factoryName: "website", release: "v0.1.1", agents: { pollInterval: "1m" } });
  expect(config).toMatchObject({
    factoryName: "website",
    dockerHost: "unix:///var/run/docker.sock",
    edge: { httpPort: 80 },
  });
  expect(config.agents.pollInterval).toBe(60);
  expect(config.images.edge).toMatchObject({
    kind: "registry",
    reference: { repository: "disinto/edge", tag: "v0.1.1" },
  });
  expect(factoryConfig().images.edge.kind).toBe("build");
});

test("everything that is wrong with options comes in one error, without commands for a stack's file", () => {
  const wrong = { release: "latest", edge: { httpPort: 0 }, factroyName: "x" } as object;
  expect(() => factoryConfig(wrong)).toThrow(/^The options of the factory have 3 problems:\n/);
  expect(() => factoryConfig(wrong)).toThrow("did you mean: factoryName?");
  expect(() => factoryConfig(wrong)).not.toThrow("pulumi config");
});

test("a secret among the options is refused: it would be in plain text", () => {
  expect(() => factoryConfig({ forgeToken: "t0ken" } as object)).toThrow("forgeToken: is stored in plain text");
  expect(() => factoryConfig({ forgeToken: "t0ken" } as object)).not.toThrow("t0ken");
});

test("the example in the docs is the one that is run", () => {
  const [, block] = /<!-- the example.*-->\n```ts\n([^`]*)```/.exec(readFileSync("docs/library.md", "utf8")) ?? [];
  expect(block).toBe(readFileSync("test/e2e/fixtures/library/index.ts", "utf8"));
});
