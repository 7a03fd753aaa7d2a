import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasKept, keepFrom, readGiven, withKept } from "../../pulumi/kept-secrets.ts";
import { temporaryProject } from "../setup/support.ts";

const text = "config:\n  disinto:release: v0.1.1\n";
const encrypted = [
  "encryptionsalt: v1:salt",
  "config:",
  "  disinto:release: v0.1.1",
  "  disinto:forgeToken:",
  "    secure: v1:abc",
  "",
].join("\n");

test("a secret is given by its variable, unless the file has one or the variable is empty", () => {
  const env = { FORGE_TOKEN: "token\n", REGISTRY_READ_TOKEN: " " };
  expect(readGiven(text, env)).toEqual([["forgeToken", "token"]]);
  expect(readGiven(encrypted, env)).toEqual([]);
  expect(readGiven("", env)).toEqual([["forgeToken", "token"]]);
});

test("what was given once is in the file that pulumi reads, until the stack's file has its own", () => {
  const { secrets } = temporaryProject();
  expect(hasKept("prod", text, secrets)).toBe(false);
  expect(withKept("prod", text, [], secrets)).toBe(text);
  keepFrom("prod", text, encrypted, secrets);
  expect(statSync(join(secrets, "prod.yaml")).mode & 0o777).toBe(0o600);
  expect(hasKept("prod", text, secrets)).toBe(true);
  const composed = withKept("prod", text, [], secrets);
  expect(composed).toContain("secure: v1:abc");
  expect(composed).toContain("encryptionsalt: v1:salt");
  expect(composed).toContain("disinto:release: v0.1.1");
  expect(withKept("prod", text, ["forgeToken"], secrets)).toBe(composed);
  expect(hasKept("prod", encrypted, secrets)).toBe(false);
  expect(hasKept("dev", text, secrets)).toBe(false);
});

test("a secret that the file's salt does not open is asked for again", () => {
  const { secrets } = temporaryProject();
  keepFrom("prod", text, encrypted, secrets);
  expect(withKept("prod", `encryptionsalt: v1:salt\n${text}`, [], secrets)).toContain("secure: v1:abc");
  const other = `encryptionsalt: v1:other\n${text}`;
  expect(() => withKept("prod", other, [], secrets)).toThrow("Give it again:\n  export FORGE_TOKEN=...");
  expect(withKept("prod", other, ["forgeToken"], secrets)).toBe(other);
});
