import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Repository } from "../../images/registry.ts";
import { sign } from "../../images/signature.ts";
import type { RunnableImage } from "../../images/source.ts";
import { refuseUnsigned } from "../../program/refuse-unsigned.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const reference = { server: "ghcr.io", repository: "disinto/agents", tag: "v0.2.0", digest: digest("1") };
const built: RunnableImage = { kind: "build", args: {} };
const images = { agents: { kind: "registry", reference } as RunnableImage, reproduce: built, edge: built };

const makePair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const own = makePair();
const other = makePair();

let directory: string;
/** What the registry has; undefined where it does not answer. */
let kept: Record<string, string> | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "factory-signatures-"));
  kept = {};
  vi.stubGlobal("fetch", async (url: URL | string, { method = "GET", body }: { method?: string; body?: string }) => {
    if (kept === undefined) throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    const { pathname, searchParams } = new URL(url);
    const name = searchParams.get("digest") ?? (pathname.split("/").at(-1) as string);
    if (method === "POST") return new Response(null, { status: 202, headers: { location: "/upload" } });
    if (method === "PUT") kept[name] = body ?? "";
    if (method === "PUT") return new Response(null, { status: 201 });
    return kept[name] === undefined ? new Response("{}", { status: 404 }) : new Response(kept[name]);
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(directory, { recursive: true });
});

async function refusalBy(pair: typeof own | undefined): Promise<string | undefined> {
  const key = pair?.publicKey.export({ type: "spki", format: "pem" }).toString();
  const registry = { server: "ghcr.io", namespace: "disinto", username: "factory" };
  const around = { registry, stack: "test", signatures: join(directory, "signatures") };
  const running = refuseUnsigned(images, { ...around, ...(key === undefined ? {} : { verifyImages: { key } }) });
  return running.then(
    () => undefined,
    ({ message }: Error) => message,
  );
}

const signBy = (pair: typeof own, as: Record<string, string> = {}) =>
  sign(new Repository(reference, undefined), reference, pair.privateKey, as);
const file = () => join(directory, "signatures", `${"1".repeat(64)}.json`);

describe("an image", () => {
  test("without a key in the config is not looked at", async () => {
    kept = undefined;
    expect(await refusalBy(undefined)).toBeUndefined();
  });

  test("that nobody signed is refused", async () => {
    const image = `ghcr.io/disinto/agents:v0.2.0@${digest("1")}`;
    expect(await refusalBy(own)).toBe(`The image ${image} is refused, as disinto:verifyImages.key wants it signed:
  it has no signature
    Whoever may push to ghcr.io/disinto/agents can have made it, and it would run with the factory's data and tokens.
  fix: if it is yours, release it anew with the key (./factory release), or sign it: cosign sign --key cosign.key --tlog-upload=false ghcr.io/disinto/agents@${digest("1")}
  or:  go to a version that is signed: ./factory rollback --stack test --list shows what ran here
Nothing that runs was touched.
error: image-unsigned (docs/troubleshooting.md#image-unsigned)`);
    expect(existsSync(file())).toBe(false);
  });

  test("that another key signed is refused, with the commands that show and set the key", async () => {
    await signBy(other);
    const refusal = await refusalBy(own);
    expect(refusal).toContain("\n  it is signed by another key than the config's\n");
    expect(refusal).toContain(`
If another key is the right one (docs/trust.md):
  see the config's: ./factory pulumi -- config get --stack test --path 'disinto:verifyImages.key'
  set another one:  ./factory pulumi -- config set --stack test --path 'disinto:verifyImages.key' < release.pub
Nothing that runs was touched.`);
  });

  test.each<Record<string, string>>([
    {},
    { version: "v0.2.0" },
    { version: "v0.2.0", image: "agents" },
    { by: "somebody" },
  ])("that was signed as %o runs", async (as) => {
    await signBy(own, as);
    expect(await refusalBy(own)).toBeUndefined();
  });

  test.each([
    [{ version: "v0.1.0", image: "agents" }, "version v0.1.0"],
    [{ version: "v0.2.0", image: "edge" }, "image edge"],
  ])("that was signed as %o has another name now, and is refused", async (as, named) => {
    await signBy(own, as);
    expect(await refusalBy(own)).toContain(`\n  its signature is of another image, ${named}\n`);
  });

  test("whose registry does not answer is refused, and the reason named", async () => {
    kept = undefined;
    const refusal = await refusalBy(own);
    expect(refusal).toContain("cannot be read, and was not verified here before: fetch failed: connect ECONNREFUSED");
    expect(refusal).toContain("fix: try again once the registry answers");
    expect(refusal).not.toContain("verifyImages.key'");
  });
});

describe("a signature that was verified", () => {
  beforeEach(async () => {
    await signBy(own);
    expect(await refusalBy(own)).toBeUndefined();
    kept = undefined;
  });

  test("needs no registry any more", async () => {
    expect(await refusalBy(own)).toBeUndefined();
  });

  test("is of no use to another key", async () => {
    expect(await refusalBy(other)).toContain("was not verified here before");
  });

  test.each([
    ["no JSON", () => "damaged"],
    ["of other types", () => "[1]"],
    ["about another image", (text: string) => text.replace(/1{64}/, "2".repeat(64))],
    ["signed by nobody", (text: string) => text.replace(/"signature":".{8}/, '"signature":"AAAAAAAA')],
  ])("is not there where its file is %s, and is read again", async (_, change) => {
    const before = readFileSync(file(), "utf8");
    writeFileSync(file(), change(before));
    expect(await refusalBy(own)).toContain("was not verified here before");
    kept = {};
    await signBy(own);
    expect(await refusalBy(own)).toBeUndefined();
    kept = undefined;
    expect(await refusalBy(own)).toBeUndefined();
  });
});
