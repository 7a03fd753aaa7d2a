import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SetupError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import type { Report } from "../lib/progress.ts";
import { lastLines, run } from "../lib/run.ts";

export interface VendorEngineOptions {
  /** The release, without a leading v. */
  version: string;
  /** The directory to appear, with the programs in `bin/`, when all is well. */
  target: string;
  report: Report;
  /** Where the release's files lie, tried in this order. @default the vendor's two hosts */
  origins?: string[];
  /** Milliseconds an origin has for the first byte of an answer. @default 3000 */
  connectTimeout?: number;
  /** @default process.platform */
  platform?: NodeJS.Platform;
  /** @default process.arch */
  arch?: string;
}

export type VendorOutcome = { kind: "installed" } | { kind: "unavailable"; reason: string };

const stallMs = 30_000;

/** The two places the vendor publishes a release at, as URLs without a trailing slash. */
export function vendorOrigins(version: string): string[] {
  return ["https://get.pulumi.com/releases/sdk", `https://github.com/pulumi/pulumi/releases/download/v${version}`];
}

/** The name of the release's archive, or nothing when the vendor makes none that this program can use. */
export function vendorArchive(version: string, platform: NodeJS.Platform, arch: string): string | undefined {
  if (!["linux", "darwin"].includes(platform) || !["x64", "arm64"].includes(arch)) return undefined;
  return `pulumi-v${version}-${platform}-${arch}.tar.gz`;
}

/** The SHA-256 (hex, lower case) that a checksums file ("<hex>  <name>" lines) gives for `name`. */
export function checksumOf(text: string, name: string): string | undefined {
  const line = text.split("\n").find((candidate) => candidate.trim().split(/\s+\*?/)[1] === name);
  return /^[0-9a-f]{64}\b/i.exec(line?.trim() ?? "")?.[0].toLowerCase();
}

/**
 * Downloads the vendor's release, checks it against the release's published SHA-256 and puts it at `target` by a rename.
 * Hosts that do not answer are an outcome; an archive that is not what the checksum says is a `SetupError`.
 */
export async function installVendorEngine(options: VendorEngineOptions): Promise<VendorOutcome> {
  const { version, target, report } = options;
  const platform = options.platform ?? process.platform;
  const arch = options.arch ?? process.arch;
  const archive = vendorArchive(version, platform, arch);
  if (!archive) return { kind: "unavailable", reason: `the vendor has no release for ${platform} ${arch}` };

  const origins = options.origins ?? vendorOrigins(version);
  const timeout = options.connectTimeout ?? 3000;
  const published = await fetchChecksum(origins, `pulumi-${version}-checksums.txt`, archive, timeout);
  if ("reason" in published) return { kind: "unavailable", reason: published.reason };

  const work = await freshDirectory(`${target}.partial-`);
  try {
    const file = join(work, archive);
    const download = await downloadFromAny(origins, archive, file, timeout, report);
    if ("reason" in download) return { kind: "unavailable", reason: download.reason };
    if (download.sha256 !== published.sha256) throw mismatch(archive, download, published.sha256);
    report.line(`SHA-256 of ${archive} is as published`);
    await unpack(file, work);
    await rename(join(work, "engine"), target);
    return { kind: "installed" };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

type Failed = { reason: string };

/** A new directory with this prefix; those of interrupted runs go. */
async function freshDirectory(prefix: string): Promise<string> {
  const parent = dirname(prefix);
  await mkdir(parent, { recursive: true });
  const old = (await readdir(parent)).map((name) => join(parent, name)).filter((path) => path.startsWith(prefix));
  for (const path of old) await rm(path, { recursive: true, force: true });
  return mkdtemp(prefix);
}

async function fetchChecksum(
  origins: string[],
  list: string,
  archive: string,
  timeout: number,
): Promise<{ sha256: string } | Failed> {
  const attempts = origins.map(async (origin) => {
    const text = await withAnswer(`${origin}/${list}`, timeout, async (response) => response.text());
    const sha256 = checksumOf(text, archive);
    if (!sha256) throw new Error(`${hostOf(origin)} answered without a checksum of ${archive}`);
    return { sha256 };
  });
  try {
    return await Promise.any(attempts);
  } catch (error) {
    return { reason: (error as AggregateError).errors.map((each: Error) => each.message).join("; ") };
  }
}

async function downloadFromAny(
  origins: string[],
  archive: string,
  file: string,
  timeout: number,
  report: Report,
): Promise<{ sha256: string; url: string } | Failed> {
  const reasons: string[] = [];
  for (const origin of origins) {
    const url = `${origin}/${archive}`;
    try {
      report.line(`downloading ${url}`);
      return { sha256: await download(url, file, timeout, report), url };
    } catch (error) {
      reasons.push((error as Error).message);
      report.line((error as Error).message);
    }
  }
  return { reason: reasons.join("; ") };
}

function download(url: string, file: string, timeout: number, report: Report): Promise<string> {
  return withAnswer(url, timeout, async (response, alive) => {
    const hash = createHash("sha256");
    const total = Number(response.headers.get("content-length"));
    let bytes = 0;
    const observed = async function* () {
      for await (const chunk of response.body ?? []) {
        alive();
        hash.update(chunk);
        bytes += chunk.length;
        report.now(`${megabytes(bytes)}${total ? ` of ${megabytes(total)}` : ""} MB`);
        yield chunk;
      }
    };
    await pipeline(observed, createWriteStream(file));
    report.now("");
    return hash.digest("hex");
  });
}

/** Requests `url` and uses the answer; gives up when it does not begin within `timeout` or stalls (see `alive`). */
async function withAnswer<T>(
  url: string,
  timeout: number,
  use: (response: Response, alive: () => void) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const giveUpIn = (ms: number) => setTimeout(() => abort.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
  let timer = giveUpIn(timeout);
  const alive = () => {
    clearTimeout(timer);
    timer = giveUpIn(stallMs);
  };
  try {
    const response = await fetch(url, { signal: abort.signal });
    alive();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await use(response, alive);
  } catch (error) {
    const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    const code = typeof cause?.code === "string" ? cause.code : undefined;
    throw new Error(`${hostOf(url)}: ${code ?? (cause?.message || message)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function unpack(file: string, work: string): Promise<void> {
  const bin = join(work, "engine", "bin");
  await mkdir(bin, { recursive: true });
  const outcome = await run("tar", ["-xzf", file, "-C", bin, "--strip-components=1"]);
  const check = outcome.ok ? await run(join(bin, "pulumi"), ["version"], { timeout: 30_000 }) : outcome;
  if (!check.ok)
    throw new SetupError("engine-missing", `${file} cannot be used: ${lastLines(check)}`, [`tar -xzf ${file}`]);
}

function mismatch(archive: string, download: { sha256: string; url: string }, expected: string): SetupError {
  return new SetupError(
    "download-mismatch",
    `${archive} is not what its release says: SHA-256 is ${download.sha256}, published is ${expected}. Nothing was installed.`,
    [
      `find out who answers for ${hostOf(download.url)} in this network, then run ${factoryCommand} setup again`,
      "or install Pulumi yourself: https://www.pulumi.com/docs/install/",
    ],
  );
}

const hostOf = (url: string) => new URL(url).host;
const megabytes = (bytes: number) => Math.round(bytes / 1e6);
