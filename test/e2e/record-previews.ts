/**
 * Records the previews of test/golden anew, from real ones: `node test/e2e/record-previews.ts`, with what `./factory env`
 * prints. `npx vitest run --project unit test/operations/preview/markdown.test.ts --update` then writes the comments.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageName } from "../../contract/names.ts";
import { TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

const forgeToken = "canary-forge-token-4712";

/** What the comment is made of; the rest of the events would only be noise here. */
const inputs = ["destroyGraceSeconds", "host", "imageName", "labels", "name", "start", "waitTimeout"];
const outputs = ["repoDigest"];

await recordBuilt();
await recordRelease();

/** The same previews as in preview.test.ts. */
async function recordBuilt(): Promise<void> {
  const factory = await TestFactory.create();
  const recording = (name: string) => record(name, factory, (text) => text);
  try {
    await succeeds(factory.factory("up", ["--yes"]));
    await recording("nothing");
    const dockerfile = join(factory.directory, "tiny/docker/agents/Dockerfile");
    const content = readFileSync(dockerfile, "utf8");
    writeFileSync(dockerfile, `${content}LABEL release=next\n`);
    await recording("upgrade");
    writeFileSync(dockerfile, content);
    await factory.configure({ factoryName: `${factory.name}-next` });
    await recording("volumes");
    await factory.configure({ agents: { pollInterval: "1m" } });
    await setSecret(factory, "forgeToken", forgeToken);
    await recording("config");
  } finally {
    await factory.dispose();
  }
}

/** A release in which the edge stays behind. */
async function recordRelease(): Promise<void> {
  const registry = await TestRegistry.start();
  const factory = await TestFactory.create();
  const { server, namespace, username, password, caBundle } = registry;
  const environment = { SSL_CERT_FILE: caBundle };
  const configure = async (release: string, images: Record<string, string> = {}) => {
    await factory.configure({ build: undefined, registry: { server, namespace, username }, release, ...images });
    await setSecret(factory, "registryToken", password);
  };
  try {
    const pushed: [ImageName, string][] = [
      ["agents", "v0.1.0"],
      ["agents", "v0.1.1"],
      ["reproduce", "v0.1.0"],
      ["reproduce", "v0.1.1"],
      ["edge", "v0.1.0"],
    ];
    for (const [image, version] of pushed) await registry.push(image, version);
    await configure("v0.1.0");
    await succeeds(factory.factory("up", ["--yes"], environment));
    await configure("v0.1.1", { edgeImage: "v0.1.0" });
    const masked = (text: string) =>
      text
        .replaceAll(server, "ghcr.io")
        .replaceAll(namespace, "disinto")
        .replaceAll(password, "canary-registry-password");
    await record("release", factory, masked, environment);
  } finally {
    await factory.dispose();
    await registry.dispose();
  }
}

async function record(
  name: string,
  factory: TestFactory,
  mask: (text: string) => string,
  environment: Record<string, string> = {},
): Promise<void> {
  const log = join(factory.directory, ".factory/events.jsonl");
  const asked = { ...environment, PULUMI_DEBUG_COMMANDS: "true" };
  const pulumi = async (command: string) => (await succeeds(factory.plain(`pulumi ${command}`, asked))).stdout;
  const diff = await pulumi(`preview --stack test --diff --color=never --event-log ${log}`);
  const current = JSON.parse(await pulumi("config --stack test --show-secrets --json"));
  const entries = JSON.parse(await pulumi("stack history --stack test --show-secrets --json"));
  const history = entries.map(({ kind, result, config }: Record<string, unknown>) => ({ kind, result, config }));
  const events = readFileSync(log, "utf8").split("\n").flatMap(reduced);
  const lines = [...events, { failed: false, current, history, diff }].map((line) => JSON.stringify(line));
  const text = mask(lines.join("\n")).replaceAll(factory.name, "acme");
  writeFileSync(join(import.meta.dirname, `../golden/preview-${name}.jsonl`), `${text}\n`);
}

function reduced(line: string): object[] {
  const metadata = line === "" ? undefined : JSON.parse(line).resourcePreEvent?.metadata;
  if (metadata === undefined) return [];
  const { op, urn, type, old, new: wanted } = metadata;
  return [{ resourcePreEvent: { metadata: { op, urn, type, old: state(old), new: state(wanted) } } }];
}

function state(of: Record<string, Record<string, unknown>> | null | undefined) {
  if (!of) return undefined;
  const { retainOnDelete } = of;
  return { inputs: only(inputs, of.inputs), outputs: only(outputs, of.outputs), retainOnDelete };
}

function only(keys: string[], values: Record<string, unknown> = {}) {
  return Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key)));
}

function setSecret(factory: TestFactory, key: string, value: string) {
  return succeeds(factory.plain(`printf %s ${value} | pulumi config set --stack test --secret disinto:${key}`));
}

async function succeeds(running: ReturnType<TestFactory["factory"]>) {
  const outcome = await running;
  if (outcome.exitCode !== 0) throw new Error(outcome.all);
  return outcome;
}
