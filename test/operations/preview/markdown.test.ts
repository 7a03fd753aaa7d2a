import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatPreview, type Preview } from "../../../operations/preview/markdown.ts";
import { compareConfig, type HistoryEntry, type StackConfig, secretValues } from "../../../pulumi/config-changes.ts";
import { readEvents } from "../../../pulumi/events.ts";
import { masked } from "./support.ts";

/** What pulumi said at a real preview: its events, then its config, history and diff in the last line. */
function recorded(name: string, change = (log: string) => log): Preview {
  const lines = change(readFileSync(`test/golden/preview-${name}.jsonl`, "utf8"))
    .trimEnd()
    .split("\n");
  const { current, history, diff } = JSON.parse(lines.pop() ?? "");
  return {
    stack: "test",
    ...readEvents(lines.join("\n")),
    diff,
    config: compareConfig(current, history),
    secrets: secretValues(current, ...history.map(({ config }: HistoryEntry) => config)),
  };
}

describe("the comment of a recorded preview", () => {
  test.each(["nothing", "upgrade", "release", "config", "volumes"])("%s", async (name) => {
    const markdown = masked(`${formatPreview(recorded(name))}\n`, "acme");
    await expect(markdown).toMatchFileSnapshot(`../../golden/preview-${name}.md`);
    expect(markdown).not.toContain("canary-forge-token");
  });
});

describe("data volumes", () => {
  const danger = (log: string) => log.replaceAll('"retainOnDelete":true', '"retainOnDelete":false');

  test("that nothing keeps are said to be deleted", () => {
    const [, ...lines] = formatPreview(recorded("volumes", danger)).split("\n");
    expect(lines[0]).toBe("> [!CAUTION]");
    expect(lines).toContainEqual(
      expect.stringMatching(/^> - `acme_state` \*\*is DELETED with its data\*\*; `.*_state`/),
    );
  });

  test("come first where the preview failed as well", () => {
    const markdown = formatPreview({ ...recorded("volumes"), errors: ["unable to replace resource: it is protected"] });
    expect(markdown.indexOf("[!CAUTION]")).toBeLessThan(markdown.indexOf("the preview failed"));
    expect(markdown).toContain("it is protected");
  });
});

describe("images from a registry", () => {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

  /** The line of agents after a change of `RemoteImage.name`; the old image is what the state says. */
  function agentsRow(names: { before: string; after: string }, version: { before: string; after: string }): string {
    const labels = (value: string) => [{ label: "org.opencontainers.image.version", value }];
    const state = (inputs: object) => ({ inputs: { ...inputs }, outputs: {}, retainOnDelete: false });
    const outputs = { repoDigest: `ghcr.io/disinto/agents@${digest("a")}` };
    const steps = [
      {
        op: "replace",
        type: "RemoteImage",
        name: "agents-image",
        old: { ...state({ name: names.before }), outputs },
        new: state({ name: names.after }),
      },
      {
        op: "replace",
        type: "Container",
        name: "agents",
        old: state({ labels: labels(version.before), destroyGraceSeconds: 30 }),
        new: state({ labels: labels(version.after), waitTimeout: 60 }),
      },
    ];
    const lines = formatPreview({ ...recorded("nothing"), steps }).split("\n");
    return lines.find((line) => line.startsWith("| agents")) ?? "";
  }

  test.each([
    [
      "with digests",
      `ghcr.io/disinto/agents:v0.1.0@${digest("a")}`,
      `ghcr.io/disinto/agents:v0.1.1@${digest("b")}`,
      "v0.1.1",
      "| agents | `ghcr.io/disinto/agents` | `v0.1.0` → `v0.1.1` | `aaaaaaaaaaaa` → `bbbbbbbbbbbb` |",
    ],
    [
      "by tag alone",
      "ghcr.io/disinto/agents:v0.1.0",
      "ghcr.io/disinto/agents:v0.1.1",
      "v0.1.1",
      "| agents | `ghcr.io/disinto/agents` | `v0.1.0` → `v0.1.1` | `aaaaaaaaaaaa` → `pulled by up` |",
    ],
    [
      "whose tag has moved",
      `ghcr.io/disinto/agents:v0.1.0@${digest("a")}`,
      `ghcr.io/disinto/agents:v0.1.0@${digest("b")}`,
      "v0.1.0",
      "| agents | `ghcr.io/disinto/agents` | `v0.1.0` | `aaaaaaaaaaaa` → `bbbbbbbbbbbb` (the tag has moved in the registry) |",
    ],
    [
      "from another registry",
      `ghcr.io/disinto/agents:v0.1.0@${digest("a")}`,
      `docker.io/acme/agents:v0.1.0@${digest("a")}`,
      "v0.1.0",
      "| agents | `ghcr.io/disinto/agents` → `docker.io/acme/agents` | `v0.1.0` | `aaaaaaaaaaaa` |",
    ],
  ])("%s", (_, before, after, version, expected) => {
    expect(agentsRow({ before, after }, { before: "v0.1.0", after: version })).toBe(expected);
  });
});

describe("secrets", () => {
  test("are masked in whatever text they turn up", () => {
    const markdown = formatPreview({ ...recorded("config"), errors: ["login failed for canary-forge-token-4712"] });
    expect(markdown).toContain("login failed for [secret]");
  });

  test("that changed are said to have, without their values", () => {
    const config = (value: string): StackConfig => ({ "disinto:forgeToken": { value, secret: true } });
    const history = [{ kind: "update", result: "succeeded", config: config("canary-old") }];
    const changes = compareConfig(config("canary-new"), history);
    expect(changes).toEqual({
      kind: "compared",
      changes: [{ key: "forgeToken", before: "[secret]", after: "[secret]" }],
    });
    expect(formatPreview({ ...recorded("nothing"), config: changes })).toContain("`[secret]` (another value)");
    expect(compareConfig(config("canary-old"), history)).toMatchObject({ changes: [] });
  });
});

describe("the config", () => {
  const config = (value: string): StackConfig => ({ "disinto:release": { value, secret: false } });

  test("is compared with the last update that succeeded", () => {
    const history = [
      { kind: "update", result: "failed", config: config("v0.3.0") },
      { kind: "refresh", result: "succeeded", config: config("v0.2.0") },
      { kind: "update", result: "succeeded", config: config("v0.1.0") },
    ];
    expect(compareConfig(config("v0.3.0"), history)).toMatchObject({
      changes: [{ before: "v0.1.0", after: "v0.3.0" }],
    });
  });

  test("of a stack that was never deployed, or cannot be read", () => {
    expect(compareConfig(config("v0.1.0"), [])).toEqual({ kind: "never deployed" });
    expect(compareConfig(config("v0.1.0"), undefined)).toEqual({ kind: "unknown" });
  });

  test("takes structured values apart, and keeps lists whole", () => {
    const agents = (value: object): StackConfig => ({ "disinto:agents": { objectValue: value, secret: false } });
    const history = [
      { kind: "update", result: "succeeded", config: agents({ roles: ["dev"], resources: { pids: 64 } }) },
    ];
    const { changes } = compareConfig(agents({ roles: ["dev", "review"], resources: {} }), history) as {
      changes: object;
    };
    expect(changes).toEqual([
      { key: "agents.resources.pids", before: "64", after: undefined },
      { key: "agents.roles", before: '["dev"]', after: '["dev","review"]' },
    ]);
  });

  test("cannot break the table it is shown in", () => {
    const changes = [{ key: "build.args.A", before: undefined, after: "a|b\n`c`" }];
    const markdown = formatPreview({ ...recorded("nothing"), config: { kind: "compared", changes } });
    expect(markdown).toContain("| `build.args.A` | not set | `a\\|b 'c'` |");
  });
});

describe("the diff", () => {
  test("is cut at a length that a forge takes, and says so", () => {
    const markdown = formatPreview({ ...recorded("upgrade"), diff: "x".repeat(200_000) });
    expect(markdown.length).toBeLessThan(60_000);
    expect(markdown).toContain("... cut here, 150000 characters follow: ./factory preview --diff");
  });

  test("cannot close the block it is folded in", () => {
    expect(formatPreview({ ...recorded("upgrade"), diff: "a\n```\n</details>" })).toContain("````text\na\n```\n");
  });
});
