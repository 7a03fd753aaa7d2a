import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { snapshotContainerName, type VolumeKey, volumes } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { dockerHost, type Outcome, TestFactory } from "./harness.ts";

/** A password nothing else is, with what a shell and a file of lines would take apart. */
export const password = "snap\"word's $HOME `x`";

/** A snapshot as `./factory snapshots --json` has it. */
export interface ListedSnapshot {
  id: string;
  time: string;
  why: string;
  images: Record<string, { version: string; digest: string }>;
  volumes: VolumeKey[];
  files: number;
  bytes: number;
  added: number;
}

/** A factory of a test that is up and has a repository for snapshots. */
export class SnapshotFactory {
  readonly factory: TestFactory;
  readonly repository: string;

  private constructor(factory: TestFactory, repository: string) {
    this.factory = factory;
    this.repository = repository;
  }

  /** @param repository a directory; a new one where none is given */
  static async create(keep: number, repository = newDirectory()): Promise<SnapshotFactory> {
    const made = new SnapshotFactory(await TestFactory.create(), repository);
    await made.setPassword(password);
    await made.set("repository", repository);
    await made.set("keep", keep);
    expect((await made.run("up", "--yes")).exitCode).toBe(0);
    return made;
  }

  async setPassword(value: string): Promise<void> {
    const key = "--secret disinto:snapshotPassword";
    await succeeds(this.factory.plain(`printf %s "$PW" | pulumi config set --stack test ${key}`, { PW: value }));
  }

  async set(key: string, value: string | number): Promise<void> {
    await succeeds(this.factory.plain(`pulumi config set --stack test --path 'disinto:snapshots.${key}' ${value}`));
  }

  async run(verb: string, ...args: string[]): Promise<Outcome> {
    const outcome = await this.factory.factory(verb, args);
    expect(outcome.all).not.toContain(password);
    return outcome;
  }

  /** Starts a verb, and leaves it to the test how it ends. */
  start(verb: string, ...args: string[]) {
    const { directory, stack } = this.factory;
    const env = this.factory.environment();
    const options = { cwd: directory, env, all: true, stdin: "ignore", reject: false } as const;
    return execa(join(directory, "factory"), [verb, "--stack", stack, ...args], options);
  }

  async list(): Promise<ListedSnapshot[]> {
    return JSON.parse((await succeeds(this.run("snapshots", "--json"))).stdout);
  }

  /** Takes a snapshot that has to succeed; returns it as it is listed. */
  async take(): Promise<ListedSnapshot> {
    await succeeds(this.run("snapshot"));
    const [newest] = await this.list();
    if (newest === undefined) throw new Error("no snapshot is listed");
    return newest;
  }

  /** Whatever can be seen of a volume from inside: paths, kinds, modes, owners, times, links and checksums. */
  contentOf(volume: VolumeKey): Promise<string> {
    const each = [
      "busybox stat -c '%n %F %a %u:%g %h %Y' \"$f\"",
      'if [ -L "$f" ]; then busybox readlink "$f"; elif [ -f "$f" ]; then busybox sha256sum "$f"; fi',
    ].join("; ");
    return this.factory.onVolume(
      volume,
      `cd /v && busybox find . | busybox sort | while IFS= read -r f; do ${each}; done`,
    );
  }

  async contents(): Promise<Record<string, string>> {
    const found = volumes.map(async (volume) => [volume, await this.contentOf(volume)] as const);
    return Object.fromEntries(await Promise.all(found));
  }

  /** States of the agents and of the helper container; undefined where there is none. */
  async states(): Promise<{ agents?: string; helper?: string }> {
    const { stdout } = await execa("docker", ["ps", "--all", "--format", "{{.Names}} {{.State}}"], { env: onHost });
    const states = new Map(stdout.split("\n").map((line) => line.split(" ") as [string, string]));
    const agents = states.get(this.factory.containerName("agents"));
    const helper = states.get(snapshotContainerName(this.factory.name));
    return { ...(agents === undefined ? {} : { agents }), ...(helper === undefined ? {} : { helper }) };
  }

  async until(wanted: { agents?: string; helper?: string }): Promise<void> {
    const deadline = Date.now() + 300_000;
    for (let states = await this.states(); ; states = await this.states()) {
      if (states.agents === wanted.agents && states.helper === wanted.helper) return;
      if (Date.now() > deadline) throw new Error(`wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(states)}`);
      await sleep(50);
    }
  }

  /** The factory runs as it did, with nothing left over, and `up` has nothing to do. */
  async expectAtRest(): Promise<void> {
    expect(await this.states()).toEqual({ agents: "running" });
    // What is taken before an upgrade is told of another repository, or another password.
    await succeeds(this.run("up", "--yes"));
    expect(await this.states()).toEqual({ agents: "running" });
    expect((await succeeds(this.run("up", "--yes"))).all).toContain("no changes.");
  }

  async dispose(): Promise<void> {
    const helper = snapshotContainerName(this.factory.name);
    await execa("docker", ["rm", "--force", helper], { env: onHost, reject: false });
    await this.factory.dispose();
    rmSync(this.repository, { recursive: true, force: true });
  }
}

const onHost = { DOCKER_HOST: dockerHost };

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "factory-snapshots-"));
}

export async function succeeds(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running;
  expect(outcome.exitCode, outcome.all).toBe(0);
  return outcome;
}
