import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { removeStalePidFile } from "../../setup/pid-file.ts";

const linux = process.platform === "linux";

test.skipIf(!linux)("a pid file of a program that runs stays", () => {
  const program = readFileSync("/proc/self/comm", "utf8").trim();
  const file = pidFile(process.pid);
  expect(removeStalePidFile(file, program)).toBe(false);
  expect(existsSync(file)).toBe(true);
});

test.skipIf(!linux)("a pid that another program has now does not count", () => {
  const sleeper = spawn("sleep", ["60"]);
  onTestFinished(() => {
    sleeper.kill();
  });
  const file = pidFile(sleeper.pid);
  expect(removeStalePidFile(file, "dockerd")).toBe(true);
  expect(existsSync(file)).toBe(false);
});

test("a pid nobody has does not count, and no file is no trouble", () => {
  const file = pidFile(2 ** 22 + 1);
  expect(removeStalePidFile(file, "dockerd")).toBe(true);
  expect(removeStalePidFile(file, "dockerd")).toBe(false);
});

function pidFile(pid: number | undefined): string {
  const directory = mkdtempSync(join(tmpdir(), "factory-pid-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  writeFileSync(join(directory, "d.pid"), String(pid));
  return join(directory, "d.pid");
}
