import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Paths } from "../../lib/paths.ts";
import { localUrl, setupState, stacksIn } from "../../setup/state.ts";
import { recordedProgress, rejection, temporaryProject, write } from "./support.ts";

test("without a choice of the user's, state is local with a generated passphrase", async () => {
  const paths = temporaryProject();
  const { variables, lines } = await state(paths);
  expect(variables).toEqual({
    PULUMI_BACKEND_URL: localUrl(paths),
    PULUMI_CONFIG_PASSPHRASE_FILE: paths.passphrase,
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
  });
  expect(readFileSync(paths.passphrase, "utf8")).toMatch(/^[\w-]{43}\n$/);
  expect(modeOf(paths.passphrase)).toBe("600");
  expect(modeOf(paths.own)).toBe("700");
  expect(lines).toContain(`keep a copy of ${paths.passphrase}: without it the stacks' secrets cannot be read`);
});

test("the second time nothing changes, also in an environment of the first", async () => {
  const paths = temporaryProject();
  const { variables } = await state(paths);
  const passphrase = readFileSync(paths.passphrase, "utf8");
  expect(await state(paths, variables)).toEqual({ variables, lines: [`ready state: ${localUrl(paths)} (local)`] });
  expect(readFileSync(paths.passphrase, "utf8")).toBe(passphrase);
});

test("the directory alone names the same backend", async () => {
  const paths = temporaryProject();
  const { variables } = await state(paths, { PULUMI_BACKEND_URL: `file://${paths.state}` });
  expect(variables.PULUMI_BACKEND_URL).toBe(localUrl(paths));
});

test("two at once agree on one passphrase", async () => {
  const paths = temporaryProject();
  await Promise.all([state(paths), state(paths), state(paths)]);
  expect(readFileSync(paths.passphrase, "utf8")).toMatch(/^[\w-]{43}\n$/);
});

test("a lost passphrase is an error, never a new one", async () => {
  const paths = temporaryProject();
  await state(paths);
  write(join(paths.state, ".pulumi", "stacks", "disinto", "dev.json"), "{}");
  rmSync(paths.passphrase);
  const error = await rejection(state(paths));
  expect(error).toMatchObject({
    name: "SetupError",
    message: `${paths.passphrase} is missing, and without it the secrets of disinto/dev cannot be read. No new one is made.`,
  });
  expect(existsSync(paths.passphrase)).toBe(false);
  const given = await state(paths, { PULUMI_CONFIG_PASSPHRASE: "known" });
  expect(given.variables).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE_FILE");
});

test("PULUMI_BACKEND_URL counts first", async () => {
  const paths = temporaryProject();
  login(paths, "https://api.pulumi.com");
  const { variables } = await state(paths, { PULUMI_BACKEND_URL: "s3://bucket" });
  expect(variables).toEqual({
    PULUMI_BACKEND_URL: "s3://bucket",
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
  });
  expect(existsSync(paths.own)).toBe(false);
});

test("the project's backend counts before the login", async () => {
  const paths = temporaryProject();
  login(paths, "https://api.pulumi.com");
  write(join(paths.project, "Pulumi.yaml"), "name: disinto\nbackend:\n  url: gs://bucket\n");
  expect((await state(paths)).variables.PULUMI_BACKEND_URL).toBe("gs://bucket");
});

test("the user's login counts before the local directory", async () => {
  const paths = temporaryProject();
  login(paths, "https://api.pulumi.com");
  const { variables, lines } = await state(paths);
  expect(variables.PULUMI_BACKEND_URL).toBe("https://api.pulumi.com");
  expect(lines).toEqual(["ready state: https://api.pulumi.com (pulumi login)"]);
});

test("the login is looked for where Pulumi keeps it", async () => {
  const paths = temporaryProject();
  const at = (directory: string) =>
    write(join(paths.project, directory, "credentials.json"), `{"current": "s3://${directory}"}`);
  at("home");
  at("credentials");
  const home = join(paths.project, "home");
  const url = async (env: NodeJS.ProcessEnv) => (await state(paths, env)).variables.PULUMI_BACKEND_URL;
  expect(await url({ PULUMI_HOME: home })).toBe("s3://home");
  expect(await url({ PULUMI_HOME: home, PULUMI_CREDENTIALS_PATH: join(paths.project, "credentials") })).toBe(
    "s3://credentials",
  );
  expect(await url({ PULUMI_HOME: paths.pulumiHome })).toBe(localUrl(paths));
});

test("a passphrase of the user's own is left alone", async () => {
  const paths = temporaryProject();
  const file = write(join(paths.project, "mine"), "secret");
  for (const env of [{ PULUMI_CONFIG_PASSPHRASE: "" }, { PULUMI_CONFIG_PASSPHRASE_FILE: file }]) {
    expect((await state(paths, env)).variables).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE_FILE");
  }
  expect(existsSync(paths.passphrase)).toBe(false);
});

test("a passphrase file that is not there is an error", async () => {
  const paths = temporaryProject();
  const error = await rejection(state(paths, { PULUMI_CONFIG_PASSPHRASE_FILE: "/nowhere" }));
  expect(error.message).toBe("PULUMI_CONFIG_PASSPHRASE_FILE is /nowhere, and there is no such file.");
});

test("stacks of a state directory, backups aside", () => {
  const { state: directory } = temporaryProject();
  expect(stacksIn(directory)).toEqual([]);
  for (const name of ["disinto/dev.json", "disinto/prod.json.gz", "disinto/dev.json.bak", "old.json"]) {
    write(join(directory, ".pulumi", "stacks", name), "{}");
  }
  expect(stacksIn(directory)).toEqual(["disinto/dev", "disinto/prod", "old"]);
});

async function state(paths: Paths, env: NodeJS.ProcessEnv = {}) {
  const { progress, lines } = recordedProgress();
  return { variables: await setupState({ paths, env: { HOME: paths.project, ...env }, progress }), lines };
}

function login(paths: Paths, url: string): void {
  write(join(paths.project, ".pulumi", "credentials.json"), JSON.stringify({ current: url }));
}

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
