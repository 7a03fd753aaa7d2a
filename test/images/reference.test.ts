import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completeVersion, formatReference, isBareVersion, parseReference } from "../../images/reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

// The grammar of github.com/distribution/reference, forwards.
const alphanumeric = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const separator = fc.constantFrom(".", "_", "__", "-", "--");
const component = fc
  .tuple(alphanumeric, fc.array(fc.tuple(separator, alphanumeric), { maxLength: 2 }))
  .map(([first, rest]) => first + rest.flat().join(""));
const repository = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const server = fc.oneof(
  fc.constantFrom("localhost", "ghcr.io", "registry.internal", "10.0.0.1"),
  fc
    .tuple(fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/), fc.integer({ min: 1, max: 65535 }))
    .map(([name, port]) => `${name}:${port}`),
);
const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}$/), { nil: undefined });
const aDigest = fc.option(
  fc.stringMatching(/^[a-f0-9]{64}$/).map((hex) => `sha256:${hex}`),
  { nil: undefined },
);

describe("a reference", () => {
  test("of every form is taken apart, and put together again as it was", () => {
    const references = fc.record({ server, repository, tag, digest: aDigest });
    expect(() =>
      fc.assert(
        fc.property(references, (reference) => {
          const text = formatReference(reference);
          const parsed = parseReference(text);
          return parsed !== undefined && formatReference(parsed) === text && parsed.server === reference.server;
        }),
      ),
    ).not.toThrow();
  });

  test("is never anything else: what is taken apart is put together as the same text", () => {
    expect(() =>
      fc.assert(
        fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 60 }), (text) => {
          const parsed = parseReference(text);
          return parsed === undefined || formatReference(parsed) === text.replace(/^docker\.io\//, "");
        }),
        { numRuns: 2000 },
      ),
    ).not.toThrow();
  });

  test.each([
    ["ghcr.io/disinto/agents:v0.1.1", { server: "ghcr.io", repository: "disinto/agents", tag: "v0.1.1" }],
    ["localhost/agents:1", { server: "localhost", repository: "agents", tag: "1" }],
    ["team/agents:1", { server: "docker.io", repository: "team/agents", tag: "1" }],
    ["agents:1", { server: "docker.io", repository: "agents", tag: "1" }],
    ["docker.io/team/agents:1", { server: "docker.io", repository: "team/agents", tag: "1" }],
    [`[::1]:5000/a/b:v1@${digest}`, { server: "[::1]:5000", repository: "a/b", tag: "v1", digest }],
    [`h:5000/a@${digest}`, { server: "h:5000", repository: "a", digest }],
  ])("%s", (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  test.each(["", "Agents:1", "agents:", "agents:a b", "a//b:1", "/a:1", "a:1@sha256:00", "-a:1", "a_:1", "h:port/a:1"])(
    "%j is none",
    (text) => {
      expect(parseReference(text)).toBeUndefined();
    },
  );
});

describe("a bare version", () => {
  test.each(["v0.1.1", "0.1.1", "v1.0.0-rc.1"])("%s is one", (text) => {
    expect(isBareVersion(text)).toBe(true);
    expect(formatReference(completeVersion(text, "edge", { server: "ghcr.io", namespace: "disinto" }))).toBe(
      `ghcr.io/disinto/edge:${text}`,
    );
  });

  test.each(["latest", "main", "v1", "v1.2", "v0.1.1+build", "agents:v0.1.1"])("%s is none", (text) => {
    expect(isBareVersion(text)).toBe(false);
  });
});
