import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followProgress } from "../../pulumi/follow-progress.ts";

let directory: string;
let log: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "factory-progress-"));
  log = join(directory, "events.jsonl");
});

afterEach(() => rmSync(directory, { recursive: true }));

const event = (message: string, ephemeral: boolean) =>
  `${JSON.stringify({ diagnosticEvent: { message, ephemeral } })}\n`;

function follow() {
  const said: string[] = [];
  return { said, finish: followProgress(log, (line) => said.push(line)) };
}

test("what is said meanwhile is printed once, what pulumi prints by itself is not", () => {
  const { said, finish } = follow();
  writeFileSync(log, `${event("waiting for acme-agents\n", true)}${event("failed", false)}{"summaryEvent":{}}\n`);
  finish();
  expect(said).toEqual(["waiting for acme-agents"]);
});

test("a log that is not there, a line that is not whole, and one begun anew", () => {
  const { said, finish } = follow();
  finish();
  writeFileSync(log, event("one", true) + event("two", true).slice(0, 10));
  finish();
  appendFileSync(log, event("two", true).slice(10));
  finish();
  writeFileSync(log, event("three", true));
  finish();
  expect(said).toEqual(["one", "two", "three"]);
});
