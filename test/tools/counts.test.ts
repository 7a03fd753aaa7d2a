import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { countChanges } from "../../operations/upgrade/up.ts";
import { countCutOff, countGo, countVitest, summary } from "../../tools/test.ts";
import { readProgress, skippedFiles, slowest, unfinished } from "../../tools/test-progress.ts";

describe("the closing line", () => {
  test("names what was skipped only where something was", () => {
    expect(summary({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
    expect(summary({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
  });

  test("counts vitest's report, and a run that broke as a failure", () => {
    const report = JSON.stringify({ numTotalTests: 7, numPassedTests: 5, numFailedTests: 0 });
    expect(countVitest(report, 0)).toEqual({ passed: 5, failed: 0, skipped: 2 });
    expect(countVitest(report, 1)).toEqual({ passed: 5, failed: 1, skipped: 2 });
  });

  test("names the files that were skipped as a whole", () => {
    const file = (name: string, ...statuses: string[]) => ({
      name,
      assertionResults: statuses.map((status) => ({ status })),
    });
    const testResults = [
      file("a.test.ts", "pending", "skipped"),
      file("b.test.ts", "passed", "skipped"),
      file("c.test.ts"),
    ];
    expect(skippedFiles(JSON.stringify({ testResults }))).toEqual(["a.test.ts"]);
  });

  test("counts go's events, and a package that does not build as a failure", () => {
    const events = [{ Action: "pass", Test: "TestA" }, { Action: "skip", Test: "TestB" }, { Action: "pass" }];
    const stdout = events.map((event) => JSON.stringify(event)).join("\n");
    expect(countGo(stdout, 0)).toEqual({ passed: 1, failed: 0, skipped: 1 });
    expect(countGo("# build failed", 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe("a run of vitest that was ended", () => {
  const directory = mkdtempSync(join(tmpdir(), "progress-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  const file = join(directory, "progress.jsonl");
  const lines = [
    { kind: "planned", files: ["a.test.ts", "b.test.ts", "c.test.ts", "d.test.ts"] },
    { kind: "started", file: "a.test.ts", tests: ["one", "two"] },
    { kind: "started", file: "b.test.ts", tests: ["three", "four", "five"] },
    { kind: "tested", file: "a.test.ts", test: "one", state: "passed" },
    { kind: "tested", file: "b.test.ts", test: "three", state: "failed" },
    { kind: "tested", file: "a.test.ts", test: "two", state: "skipped" },
    { kind: "ended", file: "a.test.ts", seconds: 2.4 },
    { kind: "started", file: "d.test.ts", tests: [] },
    { kind: "ended", file: "d.test.ts", seconds: 12 },
  ];

  test("has failed in every test that had not ended, and says where it was", () => {
    writeFileSync(file, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n{"kind":"tes`);
    const progress = readProgress(file);
    expect(countCutOff(progress)).toEqual({ passed: 1, failed: 4, skipped: 1 });
    expect(unfinished(progress)).toBe("  running    b.test.ts > four\n  not begun  c.test.ts");
    expect(slowest(progress)).toBe("Files that took longest:\n    12 s  d.test.ts\n     2 s  a.test.ts");
    expect(slowest(progress, 1)).not.toContain("a.test.ts");
  });

  test("before it began has come nowhere", () => {
    expect(readProgress(join(directory, "none"))).toEqual({ states: {}, seconds: {}, open: {}, waiting: [] });
  });
});

describe("the changes of an update", () => {
  const log = (...changes: Record<string, number>[]) =>
    changes.map((resourceChanges) => JSON.stringify({ summaryEvent: { resourceChanges } })).join("\n");

  test("are those of its last operation", () => {
    expect(countChanges(log({ create: 3 }, { same: 27, update: 1, replace: 2 }))).toBe(3);
  });

  test("are none where everything is the same", () => {
    expect(countChanges(log({ same: 28 }))).toBe(0);
  });

  test("are unknown, not none, where the log has no summary", () => {
    expect(() => countChanges("")).toThrow("no summary");
  });
});
