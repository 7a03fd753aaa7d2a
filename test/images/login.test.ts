import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { encodeLogin, readDockerLogin } from "../../images/login.ts";

const directory = mkdtempSync(join(tmpdir(), "factory-login-"));
const file = join(directory, "config.json");
const login = encodeLogin("reader", "s3cret");

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** The login for `server` with this config.json, and a helper that knows one registry and Docker Hub. */
function loginFor(server: string, config: object): Promise<string | undefined> {
  const answer = JSON.stringify({ Username: "reader", Secret: "s3cret" });
  const helper = `#!/bin/sh
case "$1 $(cat)" in
  "get ghcr.io" | "get https://index.docker.io/v1/") echo '${answer}' ;;
  *) echo "credentials not found in native keychain"; exit 1 ;;
esac
`;
  writeFileSync(join(directory, "docker-credential-unit"), helper, { mode: 0o755 });
  vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
  writeFileSync(file, JSON.stringify(config));
  return readDockerLogin(server, file);
}

test.each([
  { from: "the file", server: "ghcr.io", config: { auths: { "ghcr.io": { auth: login } } } },
  {
    from: "the file, by an old address",
    server: "ghcr.io",
    config: { auths: { "https://ghcr.io/v2/": { auth: login } } },
  },
  {
    from: "the file, for Docker Hub",
    server: "docker.io",
    config: { auths: { "https://index.docker.io/v1/": { auth: login } } },
  },
  {
    from: "a registry's helper",
    server: "ghcr.io",
    config: { credHelpers: { "ghcr.io": "unit" }, credsStore: "none" },
  },
  { from: "the helper of all", server: "ghcr.io", config: { auths: { "ghcr.io": {} }, credsStore: "unit" } },
  { from: "the helper of all, for Docker Hub", server: "docker.io", config: { credsStore: "unit" } },
])("a login comes from $from", async ({ server, config }) => {
  expect(await loginFor(server, config)).toBe(login);
});

test.each([
  { where: "nothing is written", config: {} },
  { where: "another registry is", config: { auths: { "ghcr.io.example": { auth: login } } } },
  { where: "the helper does not know it", config: { credsStore: "unit" }, server: "quay.io" },
  { where: "the helper is not there", config: { credHelpers: { "ghcr.io": "missing" } } },
])("there is no login where $where", async ({ config, server = "ghcr.io" }) => {
  expect(await loginFor(server, config)).toBeUndefined();
});
