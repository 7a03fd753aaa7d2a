import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paths } from "../../lib/paths.ts";
import { areSame, copyPlace } from "../../operations/migrate/carry-out/copy.ts";
import { runHelper } from "../../operations/migrate/carry-out/helper.ts";
import { mountOption, type Place } from "../../operations/migrate/place.ts";
import { readContents } from "../../operations/migrate/plan/contents.ts";
import { createProgress, snapshotImage } from "../../setup/index.ts";
import { setupSnapshotImage } from "../../setup/snapshot-image.ts";
import { OwnDaemon } from "./daemon.ts";
import { execa } from "./execa.ts";
import { dockerHost } from "./harness.ts";

/** Bytes of what is copied. */
const size = 60_000_000;

let daemon: OwnDaemon;
const directory = mkdtempSync(join(tmpdir(), "factory-old-"));
const old: Place = { kind: "directory", path: directory };
const where = () => ({ factory: "e2e-copies", host: daemon.host });
const volume = (name: string): Place => ({ kind: "volume", name });

/** Runs a script over one place, below /place. */
const on = (place: Place, script: string) =>
  runHelper(where(), { mounts: [mountOption(place, "/place", { readOnly: false })], script, access: "write" });

beforeAll(async () => {
  await setupSnapshotImage({ paths, env: process.env, progress: createProgress(), dockerHost });
  daemon = await OwnDaemon.start(600);
  await execa("sh", ["-c", `docker save ${snapshotImage()} | docker --host ${daemon.host} load`], {
    env: { DOCKER_HOST: dockerHost },
  });
  await on(
    old,
    `head -c ${size} /dev/urandom > /place/big; echo root > /place/of-root; chown 1000 /place/big; chmod 4755 /place/of-root`,
  );
});

afterAll(async () => {
  await daemon?.dispose();
  rmSync(directory, { recursive: true });
});

describe("a copy", () => {
  test("that fills the disk says so, and is made once there is room", async () => {
    const { free } = await readContents(where(), [old]);
    await on(volume("ballast"), `head -c ${free - size / 2} /dev/zero > /place/zeros`);
    const copied = copyPlace(where(), { from: old, to: volume("copy"), fixOwner: true });
    await expect(copied).rejects.toMatchObject({ code: "migration-no-room" });

    await on(volume("ballast"), "rm /place/zeros");
    await copyPlace(where(), { from: old, to: volume("copy"), fixOwner: true });
    expect(await areSame(where(), { from: old, to: volume("copy"), fixOwner: true })).toBe(true);
    const { stdout } = await on(volume("copy"), "stat -c '%n %u:%g %a' /place/*");
    expect(stdout).toBe("/place/big 1000:1000 644\n/place/of-root 1000:1000 4755");
  });

  test("whose daemon is killed is made by the next try, in full", async () => {
    const copied = copyPlace(where(), { from: old, to: volume("killed"), fixOwner: false });
    const failed = expect(copied).rejects.toThrow();
    const works = () => execa("docker", ["--host", daemon.host, "ps", "--quiet", "--filter=volume=killed"]);
    while ((await works()).stdout === "") await sleep(20);
    await daemon.kill();
    await failed;
    await daemon.restart();
    await copyPlace(where(), { from: old, to: volume("killed"), fixOwner: false });
    expect(await areSame(where(), { from: old, to: volume("killed"), fixOwner: false })).toBe(true);
  });

  test("of what somebody writes to meanwhile is not taken for one", async () => {
    const writing = execa(
      "sh",
      ["-c", `while [ -d ${directory} ]; do date +%N > ${directory}/moving; sleep 0.01; done`],
      {
        reject: false,
      },
    );
    const copied = copyPlace(where(), { from: old, to: volume("moving"), fixOwner: false });
    await expect(copied).rejects.toMatchObject({ code: "migration-source-changed" });
    writing.kill();
    await writing;
    await copyPlace(where(), { from: old, to: volume("moving"), fixOwner: false });
    expect(await areSame(where(), { from: old, to: volume("moving"), fixOwner: false })).toBe(true);
  });
});
