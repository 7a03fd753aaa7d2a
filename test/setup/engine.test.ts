import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Paths } from "../../lib/paths.ts";
import { engineEnvironment, isNewEnough, parseVersion, setupEngine } from "../../setup/engine.ts";
import { goAtLeast, neededGo, sourceKey } from "../../setup/engine-build.ts";
import { recordedProgress, rejection, temporaryProject, write } from "./support.ts";

const unreachable = { origins: ["http://127.0.0.1:4"], connectTimeout: 500 };

test.each([
  ["v3.259.0\n", "3.259.0", true],
  ["v3.260.1", "3.260.1", true],
  ["v3.300.0-alpha.xyz+dirty", "3.300.0-alpha.xyz", true],
  ["v3.258.9", "3.258.9", false],
  ["v3.99.0", "3.99.0", false],
])("pulumi that prints %j is %s; new enough: %s", (text, version, enough) => {
  expect(parseVersion(text)).toBe(version);
  expect(isNewEnough(version)).toBe(enough);
});

test("what is no version is none", () => {
  expect(parseVersion("error: no such command")).toBeUndefined();
});

test.each([
  ["go1.26.8", "1.25.8", true],
  ["go1.26", "1.25.8", true],
  ["go1.25.8", "1.25.8", true],
  ["go1.27rc1", "1.25.8", true],
  ["go1.9.7", "1.25.8", false],
  ["", "1.25.8", false],
])("Go %j for %s: %s", (version, needed, enough) => {
  expect(goAtLeast(version, needed)).toBe(enough);
});

test("a pulumi on PATH is used as it is, with its own home", async () => {
  const paths = temporaryProject();
  const env = { PATH: `${fakePulumi(paths, "3.260.0")}:/usr/bin:/bin` };
  const { progress, lines } = recordedProgress();
  const engine = await setupEngine({ paths, env, progress });
  expect(engine).toEqual({ kind: "installed", bin: join(paths.project, "bin"), version: "3.260.0" });
  expect(lines).toEqual([`ready engine: pulumi v3.260.0 in ${engine.bin}`]);
  const node = dirname(process.execPath);
  expect(engineEnvironment(engine, paths, env)).toEqual({
    PATH: `${node}:${env.PATH}`,
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });
  expect(existsSync(paths.own)).toBe(false);
});

test("programs are built, plugins installed, and the second time nothing is done", async () => {
  const { paths, env } = project();
  const first = recordedProgress();
  const engine = await setupEngine({ paths, env, progress: first.progress, vendor: unreachable });
  expect(engine.kind).toBe("built");
  expect(readdirSync(engine.bin)).toEqual(["pulumi"]);
  expect(readdirSync(join(engine.bin, "../plugins"))).toEqual(["pulumi-resource-docker"]);
  expect(first.lines[0]).toBe("step Get Pulumi's programs (no pulumi on PATH; v3.259.0 is needed)");
  expect(first.lines).toContain("building pulumi (1 of 2)");
  expect(first.lines).toContain("installing plugin docker v5.2.0");

  const variables = engineEnvironment(engine, paths, env);
  expect(variables).toMatchObject({
    PULUMI_HOME: paths.pulumiHome,
    PULUMI_CREDENTIALS_PATH: join(paths.project, "home", ".pulumi"),
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  });
  const second = recordedProgress();
  const again = await setupEngine({ paths, env: { ...env, ...variables }, progress: second.progress });
  expect(again).toEqual(engine);
  expect(second.lines).toEqual(["ready engine: pulumi v3.259.0, built here"]);
  expect(engineEnvironment(again, paths, { ...env, ...variables })).toEqual(variables);
});

test("an interrupted build goes on where it stopped", async () => {
  const { paths, env } = project();
  const broken = { ...env, FAIL_ON: "pulumi-resource-docker" };
  const error = await rejection(
    setupEngine({ paths, env: broken, progress: recordedProgress().progress, vendor: unreachable }),
  );
  expect(error).toMatchObject({ name: "SetupError", message: "pulumi-resource-docker does not build:\nno compiler" });
  expect(existsSync(join(paths.engines, sourceKey(paths)))).toBe(false);
  write(join(paths.engines, `${sourceKey(paths)}.partial`, "plugins", ".pulumi-resource-docker.1"), "half of it");

  const { progress, lines } = recordedProgress();
  const engine = await setupEngine({ paths, env, progress, vendor: unreachable });
  expect(lines).toContain("pulumi (1 of 2) is built already");
  expect(lines).toContain("building pulumi-resource-docker (2 of 2)");
  expect(readdirSync(engine.bin)).toEqual(["pulumi"]);
  expect(readdirSync(join(engine.bin, "../plugins"))).toEqual(["pulumi-resource-docker"]);
});

test("two at once: one builds, the other waits and says so", async () => {
  const { paths, env } = project();
  const one = recordedProgress();
  const two = recordedProgress();
  const slow = { ...env, SLEEP: "0.5" };
  const [a, b] = await Promise.all(
    [one, two].map(({ progress }) => setupEngine({ paths, env: slow, progress, vendor: unreachable })),
  );
  expect(a).toEqual(b);
  const lines = [...one.lines, ...two.lines];
  expect(lines.filter((line) => line.startsWith("building pulumi ("))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith("another command is at work"))).toHaveLength(1);
});

test("other sources are another engine, and take its plugins' place", async () => {
  const { paths, env } = project();
  const options = { paths, env, vendor: unreachable };
  const before = await setupEngine({ ...options, progress: recordedProgress().progress });
  write(join(paths.engineSources, "docker", "main.go"), "package other");
  const { progress, lines } = recordedProgress();
  const after = await setupEngine({ ...options, progress });
  expect(after.bin).not.toBe(before.bin);
  expect(lines).toContain("installing plugin docker v5.2.0");
});

test("plugins that were taken away are installed again, without a build", async () => {
  const { paths, env } = project();
  const options = { paths, env, vendor: unreachable };
  await setupEngine({ ...options, progress: recordedProgress().progress });
  rmSync(paths.pulumiHome, { recursive: true });
  const { progress, lines } = recordedProgress();
  await setupEngine({ ...options, progress });
  expect(lines.slice(1)).toEqual(["installing plugin docker v5.2.0"]);
});

test("a new engine leaves the one before it, and takes older ones away", async () => {
  const { paths, env } = project();
  const build = async (source: string) => {
    write(join(paths.engineSources, "docker", "main.go"), source);
    const { progress, lines } = recordedProgress();
    const { bin } = await setupEngine({ paths, env, progress, vendor: unreachable });
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { name: basename(dirname(bin)), removed: lines.filter((line) => line.startsWith("removing")) };
  };
  const one = await build("package one");
  const two = await build("package two");
  write(join(paths.engines, "built-0123456789abcdef.partial", "bin", "pulumi"), "half an engine");
  write(join(paths.engines, "v3.1.0", "bin", "pulumi"), "the vendor's");
  expect(two.removed).toEqual([]);
  await build("package one");
  const three = await build("package three");
  expect(three.removed).toEqual([`removing ${two.name}, an engine of earlier sources`]);
  expect(readdirSync(paths.engines).sort()).toEqual(
    [one.name, three.name, "built-0123456789abcdef.partial", "v3.1.0"].sort(),
  );
});

test("what an interrupted removal left goes with the next", async () => {
  const { paths, env } = project();
  write(join(paths.engines, "built-0123456789abcdef.removed", "bin", "pulumi"), "half an engine");
  const { bin } = await setupEngine({ paths, env, progress: recordedProgress().progress, vendor: unreachable });
  expect(readdirSync(paths.engines)).toEqual([basename(dirname(bin))]);
});

test("a test of the engine's own is no other engine", () => {
  const { paths } = project();
  const key = sourceKey(paths);
  write(join(paths.engineSources, "docker", "main_test.go"), "package main");
  expect(sourceKey(paths)).toBe(key);
});

test("without any way to an engine, all three are named", async () => {
  const { paths, env } = project();
  write(join(paths.project, "bin", "go"), "#!/bin/sh\necho go1.24.1\n", 0o755);
  const failure = setupEngine({ paths, env, progress: recordedProgress().progress, vendor: unreachable });
  const error = await rejection(failure);
  expect(error.message).toContain("127.0.0.1:4: ECONNREFUSED");
  expect(error.message).toContain(`${join(paths.project, "bin", "go")} is go1.24.1, needed is 1.25.8 or newer`);
  expect(error).toMatchObject({
    byHand: [
      "install Pulumi: https://www.pulumi.com/docs/install/",
      "or let this machine reach get.pulumi.com or github.com (HTTPS_PROXY and NODE_EXTRA_CA_CERTS count)",
      "or install Go 1.25.8 or newer: https://go.dev/dl/",
      "then: ./factory setup",
    ],
  });
});

test("the Go that is needed is the newest any module names", () => {
  expect(neededGo(project().paths)).toBe("1.25.8");
});

test("a pulumi that is too old is named as the reason", async () => {
  const { paths, env } = project();
  const old = { ...env, PATH: `${fakePulumi(paths, "3.100.0")}:${env.PATH}` };
  const { progress, lines } = recordedProgress();
  await setupEngine({ paths, env: old, progress, vendor: unreachable });
  expect(lines[0]).toBe("step Get Pulumi's programs (pulumi v3.100.0 on PATH is older than v3.259.0)");
});

/** A project with a recipe of two programs, and a `go` that builds shell scripts. */
function project(): { paths: Paths; env: Record<string, string> } {
  const paths = temporaryProject();
  const plugin = { kind: "resource", name: "docker", version: "5.2.0" };
  const recipe = [
    { program: "pulumi", directory: "cli", package: "./pulumi", ldflags: "-s", plugin: null },
    { program: "pulumi-resource-docker", directory: "docker", package: ".", ldflags: "-s", plugin },
  ];
  write(join(paths.engineSources, "build.json"), JSON.stringify(recipe));
  write(join(paths.engineSources, "cli", "go.mod"), "module cli\n\ngo 1.25.8\n");
  write(join(paths.engineSources, "docker", "go.mod"), "module docker\n\ngo 1.9\n");
  write(join(paths.project, "bin", "go"), fakeGo, 0o755);
  mkdirSync(join(paths.project, "home"));
  return { paths, env: { PATH: `${join(paths.project, "bin")}:/usr/bin:/bin`, HOME: join(paths.project, "home") } };
}

// What it builds answers `pulumi plugin install ... --file <binary>` as Pulumi does: a copy below PULUMI_HOME.
const fakeGo = `#!/bin/sh
[ "$1" = env ] && { echo go1.26.8; exit; }
[ "$CGO_ENABLED" = 0 ] || exit 1
while [ "$1" != -o ]; do shift; done
case $2 in *"\${FAIL_ON:-nothing}"*) echo "no compiler" >&2; exit 1 ;; esac
sleep "\${SLEEP:-0}"
cat >"$2" <<'PULUMI'
#!/bin/sh
[ "$1 $2" = "plugin install" ] || exit 1
directory=$PULUMI_HOME/plugins/$3-$4-$5
rm -rf "$directory" && mkdir -p "$directory" && cp "$7" "$directory/"
PULUMI
chmod +x "$2"
`;

function fakePulumi(paths: Paths, version: string): string {
  write(join(paths.project, "bin", "pulumi"), `#!/bin/sh\necho v${version}\n`, 0o755);
  return join(paths.project, "bin");
}
