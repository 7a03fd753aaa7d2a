import { expect, test } from "vitest";
import { factoryCommandOf } from "../../lib/factory-command.ts";

const npx = { npm_lifecycle_event: "npx", npm_config_package: "./disinto-0.1.0.tgz" };

test.each([
  ["a checkout", false, {}, "./factory"],
  ["a checkout under npx", false, npx, "./factory"],
  ["the package that is installed", true, {}, "factory"],
  ["npx", true, npx, "npx --package ./disinto-0.1.0.tgz factory"],
  ["npx of what is no plain word", true, { ...npx, npm_config_package: "x; rm" }, "factory"],
  ["a script of npm", true, { npm_lifecycle_event: "test", npm_config_package: "x" }, "factory"],
])("from %s it is called as it can be typed", (_, packaged, env, expected) => {
  expect(factoryCommandOf(packaged, env)).toBe(expected);
});
