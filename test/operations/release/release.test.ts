import { describe, expect, test } from "vitest";
import { browsable } from "../../../operations/release/git.ts";
import { changelogEntry } from "../../../operations/release/preflight.ts";
import { isImage } from "../../../operations/release/push.ts";
import { expiryWarning } from "../../../operations/release/push-errors.ts";

describe("what was read back from the registry", () => {
  const [config, digest] = [`sha256:${"c".repeat(64)}`, `sha256:${"d".repeat(64)}`];
  const manifest = { digest, mediaType: "", body: JSON.stringify({ config: { digest: config } }) };

  test.each([
    ["the config's digest, as graph drivers name an image", config, true],
    ["the manifest's digest, as containerd's image store does", digest, true],
    ["another digest", `sha256:${"e".repeat(64)}`, false],
    ["none: it was published before", undefined, false],
  ])("is what was built, by %s", (_, id, expected) => {
    expect(isImage(manifest, id)).toBe(expected);
  });

  test("is not what was built where it is a list of manifests of another digest", () => {
    expect(isImage({ ...manifest, body: JSON.stringify({ manifests: [] }) }, config)).toBe(false);
  });
});

describe("a changelog's entry", () => {
  const changelog = `# Changelog

## [0.2.0] - 2026-11-24

- Canaries.

### Fixed

- Drains.

## v0.1.1

## v0.1.0

- The first one.
`;

  test.each([
    ["v0.2.0", "- Canaries.\n\n### Fixed\n\n- Drains."],
    ["v0.1.0", "- The first one."],
    ["v0.1.1", undefined],
    ["v0.1", undefined],
    ["v0.3.0", undefined],
  ])("of %s", (version, expected) => {
    expect(changelogEntry(changelog, version)).toBe(expected);
  });
});

describe("a remote, as people open it", () => {
  test.each([
    ["https://forge.example/acme/factory.git", "https://forge.example/acme/factory"],
    ["https://user:canary@forge.example:3000/acme/factory", "https://forge.example:3000/acme/factory"],
    ["ssh://git@forge.example:2222/acme/factory.git", "https://forge.example/acme/factory"],
    ["git@forge.example:acme/factory.git", "https://forge.example/acme/factory"],
    ["/srv/git/factory.git", undefined],
    ["", undefined],
  ])("%s", (url, expected) => {
    expect(browsable(url)).toBe(expected);
  });
});

describe("a token's end", () => {
  const now = Date.parse("2026-11-24T00:00:00Z");
  const warning = (header?: string) =>
    expiryWarning(
      new Headers(header === undefined ? {} : { "github-authentication-token-expiration": header }),
      "T",
      now,
    );

  test("is told in its last two weeks", () => {
    expect(warning("2026-12-01 08:00:00 UTC")).toBe(
      "the token in T expires in 7 days (2026-12-01 08:00:00 UTC): rotate it, docs/registry-credentials.md",
    );
  });

  test.each([undefined, "2027-02-01 08:00:00 UTC", "never"])(
    "is not told before, or where nobody knows: %s",
    (header) => {
      expect(warning(header)).toBeUndefined();
    },
  );
});
