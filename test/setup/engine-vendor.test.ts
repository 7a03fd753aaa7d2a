import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { setupEngine } from "../../setup/engine.ts";
import { checksumOf, installVendorEngine, vendorArchive, vendorOrigins } from "../../setup/engine-vendor.ts";
import { recordedProgress, rejection, temporaryProject, write } from "./support.ts";

const version = "3.259.0";
const archive = `pulumi-v${version}-linux-x64.tar.gz`;
const list = `pulumi-${version}-checksums.txt`;

test("a release whose checksum is as published is installed", async () => {
  const { bytes, sha256 } = release();
  const origin = await serve({ [archive]: bytes, [list]: `${sha256}  ${archive}\n` });
  const { outcome, target, lines } = await install([origin]);
  expect(outcome).toEqual({ kind: "installed" });
  expect(execFileSync(join(target, "bin", "pulumi"), ["version"], { encoding: "utf8" })).toBe(`v${version}\n`);
  expect(lines).toEqual([`downloading ${origin}/${archive}`, `SHA-256 of ${archive} is as published`]);
  expect(readdirSync(join(target, ".."))).toEqual([`v${version}`]);
});

test("an archive that is not what its release says is an error, and nothing is left of it", async () => {
  const { bytes } = release();
  const origin = await serve({ [archive]: bytes, [list]: `${"0".repeat(64)}  ${archive}\n` });
  const { outcome, target } = await install([origin]);
  expect(String(outcome)).toMatch(
    /SetupError: .* is not what its release says: SHA-256 is \w{64}, published is 0{64}\. Nothing was installed\./,
  );
  expect(existsSync(target)).toBe(false);
  expect(readdirSync(join(target, ".."))).toEqual([]);
});

test("a wrong checksum never falls back to a build", async () => {
  const paths = temporaryProject();
  const name = vendorArchive(version, process.platform, process.arch) ?? archive;
  const origin = await serve({ [name]: release().bytes, [list]: `${"0".repeat(64)}  ${name}\n` });
  const { progress, lines } = recordedProgress();
  const error = await rejection(
    setupEngine({ paths, env: { PATH: "/nowhere" }, progress, vendor: { origins: [origin] } }),
  );
  expect(error).toMatchObject({ name: "SetupError", message: expect.stringContaining("Nothing was installed") });
  expect(lines.join()).not.toContain("building");
});

test("the second host serves where the first has nothing", async () => {
  const { bytes, sha256 } = release();
  const second = await serve({ [archive]: bytes, [list]: `${sha256}  ${archive}\n` });
  const { outcome } = await install([await serve({}), second]);
  expect(outcome).toEqual({ kind: "installed" });
});

test("a host that refuses, one that is unknown and one without the release are out of reach, each with its reason", async () => {
  const empty = await serve({});
  const { outcome } = await install(["http://127.0.0.1:4", "http://engine.invalid", empty]);
  expect(outcome).toMatchObject({ kind: "unavailable" });
  expect(outcome).toMatchObject({ reason: expect.stringContaining("127.0.0.1:4: ECONNREFUSED") });
  expect(outcome).toMatchObject({ reason: expect.stringContaining("engine.invalid: E") });
  expect(outcome).toMatchObject({ reason: expect.stringContaining(`${new URL(empty).host}: HTTP 404`) });
});

test("a host that accepts and never answers is given up in time", async () => {
  const origin = await listen(() => undefined);
  const started = performance.now();
  const { outcome } = await install([origin], 300);
  expect(outcome).toEqual({ kind: "unavailable", reason: `${new URL(origin).host}: no answer within 0.3 s` });
  expect(performance.now() - started).toBeLessThan(3000);
});

test("a portal's page in place of the checksums is out of reach, not an engine", async () => {
  const origin = await serve({ [list]: "<html>log in first</html>", [archive]: "<html>log in first</html>" });
  const { outcome } = await install([origin]);
  expect(outcome).toMatchObject({ kind: "unavailable", reason: expect.stringContaining("without a checksum of") });
});

test("a download that breaks off is out of reach, and nothing is left of it", async () => {
  const { bytes, sha256 } = release();
  const origin = await listen((request, response) => {
    if (request.url?.endsWith(".txt")) return response.end(`${sha256}  ${archive}\n`);
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 10), () => response.destroy());
  });
  const { outcome, target } = await install([origin]);
  expect(outcome).toMatchObject({ kind: "unavailable" });
  expect(readdirSync(join(target, ".."))).toEqual([]);
});

test("platforms the vendor does not serve are out of reach", () => {
  expect(vendorArchive(version, "darwin", "arm64")).toBe(`pulumi-v${version}-darwin-arm64.tar.gz`);
  expect(vendorArchive(version, "freebsd", "x64")).toBeUndefined();
  expect(vendorArchive(version, "linux", "ppc64")).toBeUndefined();
});

test("checksums are read by whole names", () => {
  const one = "a".repeat(64);
  const two = "B".repeat(64);
  const text = `${one}  ${archive}.sig\n${two} *${archive}\nshort  other.tar.gz\n`;
  expect(checksumOf(text, archive)).toBe(two.toLowerCase());
  expect(checksumOf(text, "other.tar.gz")).toBeUndefined();
  expect(checksumOf(text, "missing")).toBeUndefined();
});

test("the vendor's hosts", () => {
  expect(vendorOrigins(version)).toEqual([
    "https://get.pulumi.com/releases/sdk",
    `https://github.com/pulumi/pulumi/releases/download/v${version}`,
  ]);
});

async function install(origins: string[], connectTimeout?: number) {
  const target = join(temporaryProject().engines, `v${version}`);
  const lines: string[] = [];
  const report = { line: (text: string) => void lines.push(text), now: () => undefined };
  const platform = { platform: "linux", arch: "x64" } as const;
  const installing = installVendorEngine({ version, target, report, origins, connectTimeout, ...platform });
  return { outcome: await installing.catch((error: Error) => error), target, lines };
}

/** A real archive with a `pulumi` that knows its version. */
function release(): { bytes: Buffer; sha256: string } {
  const { project: root } = temporaryProject();
  write(join(root, "pulumi", "pulumi"), `#!/bin/sh\necho v${version}\n`, 0o755);
  execFileSync("tar", ["-czf", join(root, archive), "-C", root, "pulumi"]);
  const bytes = readFileSync(join(root, archive));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function serve(files: Record<string, string | Buffer>): Promise<string> {
  return listen((request, response) => {
    const content = files[request.url?.slice(1) ?? ""];
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
}

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
