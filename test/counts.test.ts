import { describe, expect, test } from "vitest";
import { countChanges } from "../cli/apply.ts";
import { countGo, countVitest, summary } from "../cli/test.ts";

describe("the closing line", () => {
  test("names what was skipped only where something was", () => {
    expect(summary({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
    expect(summary({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
  });

  test("counts vitest's report, and a run that broke as a failure", () => {
    const report = JSON.stringify({ numPassedTests: 5, numFailedTests: 0, numPendingTests: 1, numTodoTests: 1 });
    expect(countVitest(report, 0)).toEqual({ passed: 5, failed: 0, skipped: 2 });
    expect(countVitest(report, 1)).toEqual({ passed: 5, failed: 1, skipped: 2 });
  });

  test("counts go's events, and a package that does not build as a failure", () => {
    const events = [{ Action: "pass", Test: "TestA" }, { Action: "skip", Test: "TestB" }, { Action: "pass" }];
    const stdout = events.map((event) => JSON.stringify(event)).join("\n");
    expect(countGo(stdout, 0)).toEqual({ passed: 1, failed: 0, skipped: 1 });
    expect(countGo("# build failed", 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
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
