import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planRetention, type Tagged } from "../../../operations/release/retention.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const tagged = (tag: string, digit: string, ...parts: string[]): Tagged => ({
  tag,
  digest: digest(digit),
  parts: parts.map(digest),
});
const signed = (digit: string, own: string) => tagged(`sha256-${digit.repeat(64)}.sig`, own);
const goes = (tags: Tagged[], versions: number, ...inUse: string[]) =>
  planRetention(tags, { versions, inUse: new Set(inUse) }).doomed.flatMap(({ tags: names }) => names);

const three = [tagged("v0.1.0", "1"), tagged("v0.2.0", "2"), tagged("v0.10.0", "3")];

describe("of a repository", () => {
  test("old versions go, the newest stay", () => {
    expect(planRetention(three, { versions: 2, inUse: new Set() })).toEqual({
      doomed: [{ digest: digest("1"), tags: ["v0.1.0"] }],
      versions: ["v0.10.0", "v0.2.0"],
    });
  });

  test("what a factory can go back to stays, by digest or by version", () => {
    expect(goes(three, 1, digest("1"))).toEqual(["v0.2.0"]);
    expect(goes(three, 1, "v0.1.0")).toEqual(["v0.2.0"]);
  });

  test("a version that is the same image as one that stays, stays", () => {
    expect(goes([...three, tagged("v0.0.1", "3")], 1)).toEqual(["v0.1.0", "v0.2.0"]);
  });

  test("a tag that no release has made stays, and its image", () => {
    expect(goes([...three, tagged("stable", "1"), tagged("nightly", "9")], 1)).toEqual(["v0.2.0"]);
  });

  test("a version that is a part of an index that stays, stays", () => {
    expect(goes([...three, tagged("stable", "8", "1", "2")], 1)).toEqual([]);
  });

  test("a signature goes with its image, after it, and never before", () => {
    const tags = [signed("1", "a"), signed("3", "b"), signed("f", "c"), ...three];
    expect(goes(tags, 1)).toEqual(["v0.1.0", "v0.2.0", `sha256-${"1".repeat(64)}.sig`, `sha256-${"f".repeat(64)}.sig`]);
  });

  test("a signature of a part of an index stays with that", () => {
    expect(goes([tagged("v0.3.0", "8", "7"), signed("7", "a")], 1)).toEqual([]);
  });

  test("the tag a release was tried under goes with its version; one that never was a version stays", () => {
    const tags = [...three, tagged(`sha-${"a".repeat(12)}`, "1"), tagged(`sha-${"b".repeat(12)}`, "9")];
    expect(goes(tags, 2)).toEqual(["v0.1.0", `sha-${"a".repeat(12)}`]);
  });
});

test("whatever the tags are, nothing that a tag which stays refers to is deleted", () => {
  const digits = fc.constantFrom(..."0123456789");
  const name = fc.oneof(
    fc.integer({ min: 0, max: 9 }).map((minor) => `v0.${minor}.0`),
    digits.map((digit) => `sha256-${digit.repeat(64)}.sig`),
    digits.map((digit) => `sha-${digit.repeat(12)}`),
    fc.constantFrom("stable", "nightly"),
  );
  const tags = fc.uniqueArray(fc.tuple(name, digits, fc.array(digits, { maxLength: 2 })), { selector: ([tag]) => tag });
  fc.assert(
    fc.property(tags, fc.integer({ min: 1, max: 4 }), fc.array(digits, { maxLength: 2 }), (entries, versions, used) => {
      const all = entries.map(([tag, digit, parts]) => tagged(tag, digit, ...parts));
      const { doomed } = planRetention(all, { versions, inUse: new Set(used.map(digest)) });
      const deleted = new Set(doomed.map((it) => it.digest));
      const staying = all.filter((it) => !deleted.has(it.digest));
      for (const { parts } of staying.filter(({ tag }) => /^(v|stable|nightly)/.test(tag))) {
        for (const part of parts) expect(deleted).not.toContain(part);
      }
      for (const digit of used) expect(deleted).not.toContain(digest(digit));
      for (const { tag, digest: own } of all) if (/^(stable|nightly)$/.test(tag)) expect(deleted).not.toContain(own);
      const signatures = new Map(all.map(({ tag, digest: own }) => [tag, own]));
      for (const { digest: own } of staying) {
        const signature = signatures.get(`${own.replace(":", "-")}.sig`);
        if (signature !== undefined) expect(deleted).not.toContain(signature);
      }
    }),
  );
});
