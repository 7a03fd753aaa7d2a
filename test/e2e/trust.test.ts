import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ImageName, imageNames } from "../../contract/names.ts";
import { encodeLogin } from "../../images/login.ts";
import { Repository } from "../../images/registry.ts";
import { readSigningKey, sign, signatureTag } from "../../images/signature.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

let registry: TestRegistry;
let factory: TestFactory;
const digests: Record<string, string> = {};

const makePair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const own = makePair();
const other = makePair();

beforeAll(async () => {
  registry = await TestRegistry.start();
  tls.setDefaultCACertificates([readFileSync(registry.caBundle, "utf8")]);
  for (const image of imageNames) {
    await push(image, "v0.1.0");
    await signBy(own, image, "v0.1.0");
  }
  await push("agents", "v0.2.0");
  await signBy(own, "agents", "v0.2.0");
  factory = await TestFactory.create();
  const { server, namespace, username, password } = registry;
  await factory.configure({ build: undefined, registry: { server, namespace, username }, release: "v0.1.0" });
  await pulumi(`printf %s ${password} | pulumi config set --stack test --secret disinto:registryToken`);
  const key = own.publicKey.export({ type: "spki", format: "pem" }).toString();
  await pulumi("pulumi config set --stack test --path 'disinto:verifyImages.key'", key);
  await succeeds(up());
});

afterAll(async () => {
  await factory?.dispose();
  await registry?.dispose();
});

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const up = () => factory.factory("up", ["--yes"], trusting());
const pulumi = (script: string, input?: string) => succeeds(factory.plain(script, trusting(), input));
const set = (key: string, value: string) => pulumi(`pulumi config set --stack test disinto:${key} ${value}`);

async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}

async function push(image: ImageName, version: string, revision?: string): Promise<void> {
  digests[`${image}:${version}`] = await registry.push(image, version, revision);
}

const digestOf = (image: ImageName, version: string) => digests[`${image}:${version}`] as string;

function repository(image: ImageName): Repository {
  const place = { server: registry.server, repository: `${registry.namespace}/${image}` };
  return new Repository(place, encodeLogin(registry.username, registry.password));
}

async function signBy({ privateKey }: typeof own, image: ImageName, version: string): Promise<void> {
  const key = readSigningKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const place = { server: registry.server, repository: `${registry.namespace}/${image}` };
  await sign(repository(image), { ...place, digest: digestOf(image, version) }, key);
}

async function expectRefused(run: () => Promise<Outcome>): Promise<string> {
  const before = await factory.inspect("agents");
  const refused = await run();
  expect(refused.exitCode, refused.all).not.toBe(0);
  expect(refused.all).toContain("Nothing that runs was touched.");
  expect(refused.all).not.toContain(registry.password);
  expect(refused.all).not.toMatch(/\n\s+at .*\.[jt]s:\d+/);
  const { Id, State } = await factory.inspect("agents");
  expect([Id, State.StartedAt]).toEqual([before.Id, before.State.StartedAt]);
  return refused.all;
}

const versionOf = async () => (await factory.inspect("agents")).Config.Labels["org.opencontainers.image.version"];

describe("an image that is signed by the config's key", () => {
  test("runs, and a second up says no changes", async () => {
    await set("agentsImage", "v0.2.0");
    await succeeds(up());
    expect(await versionOf()).toBe("v0.2.0");
    expect((await succeeds(up())).all).toContain("no changes.");
  });
});

describe("an image that is not", () => {
  test("because something else was pushed under its tag is refused by plain pulumi up", async () => {
    await push("agents", "v0.2.0", "2");
    const said = await expectRefused(() =>
      factory.plain("pulumi up --stack test --yes --skip-preview --non-interactive", trusting()),
    );
    expect(said).toContain(`agents:v0.2.0@${digestOf("agents", "v0.2.0")} is refused`);
    expect(said).toContain("it has no signature");
    expect(said).not.toContain("edge:v0.1.0");
  });

  test("because nobody, somebody else, or the key for another image signed it is refused, each with its reason", async () => {
    for (const image of imageNames) await push(image, "v0.3.0");
    await signBy(other, "edge", "v0.3.0");
    const copied = await repository("reproduce").findManifest(signatureTag(digestOf("reproduce", "v0.1.0")));
    expect(copied?.body).toContain("dev.cosignproject.cosign/signature");
    await repository("reproduce").putManifest(
      signatureTag(digestOf("reproduce", "v0.3.0")),
      copied as NonNullable<typeof copied>,
    );
    await pulumi(
      "pulumi config rm --stack test disinto:agentsImage && pulumi config set --stack test disinto:release v0.3.0",
    );
    const said = await expectRefused(up);
    await expect(message(said)).toMatchFileSnapshot(join(import.meta.dirname, "../golden/trust-refused.txt"));
    expect(await factory.docker("images", "--digests")).not.toContain(digestOf("agents", "v0.3.0"));
  });
});

describe("a registry that is down", () => {
  test("is not needed to go back to what was verified here before", async () => {
    await registry.stop();
    await succeeds(factory.factory("rollback", ["v0.1.0", "--yes"], trusting()));
    expect(await versionOf()).toBe("v0.1.0");
    const { Image } = await factory.inspect("agents");
    expect(await factory.digestsOf(Image)).toContain(
      `${registry.server}/${registry.namespace}/agents@${digestOf("agents", "v0.1.0")}`,
    );
  });
});

/** The refusal as pulumi shows it at the end, without what differs from one run to the next. */
function message(said: string): string {
  const [, diagnostics = ""] = said.split("Diagnostics:");
  const text = diagnostics.slice(diagnostics.indexOf("The image"), diagnostics.indexOf("touched.") + "touched.".length);
  return `${text
    .replaceAll(/^ {4}/gm, "")
    .replaceAll(`${registry.server}/${registry.namespace}`, "registry/acme")
    .replaceAll(digestOf("reproduce", "v0.1.0"), "sha256:<reproduce v0.1.0>")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:<digest>")}\n`;
}
