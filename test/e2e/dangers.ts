import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { VolumeData } from "./data.ts";
import type { Outcome, TestFactory } from "./harness.ts";

export async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}

export async function fails(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).not.toBe(0);
  return outcome;
}

/** The danger is over: the factory is healthy, another `up` has nothing to do and nothing to warn of, and nothing is lost. */
export async function expectHealthy(factory: TestFactory, data: VolumeData, env = {}): Promise<void> {
  for (const service of ["agents", "edge"] as const) {
    expect((await factory.inspect(service)).State).toMatchObject({ Status: "running", Health: { Status: "healthy" } });
  }
  for (const task of ["runner", "reproduce"] as const) await factory.inspect(task);
  const again = await succeeds(factory.factory("up", ["--yes"], env));
  expect(again.all).toContain("no changes.");
  expect(again.all).not.toMatch(/warning/i);
  await data.expectKept();
}

/** The name that a factory has where its config is changed. */
export const renamed = (factory: TestFactory) => `${factory.name}-b`;

/** IDs of the containers that run. */
export async function runningIds(factory: TestFactory): Promise<string[]> {
  return [(await factory.inspect("agents")).Id, (await factory.inspect("edge")).Id];
}

/** Changes a file of the factory's copy of the project; `git checkout` is the way back. */
export function patch(factory: TestFactory, file: string, from: string | RegExp, to: string): void {
  const path = join(factory.directory, file);
  const before = readFileSync(path, "utf8");
  const after = before.replace(from, to);
  expect(after, `${file} has no ${from}`).not.toBe(before);
  writeFileSync(path, after);
}
