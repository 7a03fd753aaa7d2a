import { chmodSync, chownSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { volumes } from "../../contract/names.ts";
import { newDirectory, password, SnapshotFactory, succeeds } from "./snapshot-support.ts";

const megabyte = 1024 * 1024;

let one: SnapshotFactory;

beforeAll(async () => {
  one = await SnapshotFactory.create(3);
  for (const volume of volumes) await one.factory.onVolume(volume, `echo ${volume} > /v/kept`);
  await random("project-repos", "big", 20);
});

afterAll(async () => {
  await one?.dispose();
});

function random(volume: (typeof volumes)[number], file: string, megabytes: number): Promise<string> {
  return one.factory.onVolume(volume, `busybox dd if=/dev/urandom of=/v/${file} bs=1M count=${megabytes} 2>/dev/null`);
}

describe("a snapshot", () => {
  test("has all data volumes, and says of which release; before the first there are none", async () => {
    expect(await one.list()).toEqual([]);
    const outcome = await succeeds(one.run("snapshot"));
    expect(outcome.stdout).toMatch(
      /^Snapshot \w{8} of factory \S+ \(dev\): 2\d\.\d MB in \d+ files, 2\d\.\d MB added in/,
    );
    expect(outcome.stdout).toContain(`${one.factory.containerName("agents")} paused for`);
    expect(outcome.stderr).toContain("free at");
    const [snapshot] = await one.list();
    const { Image: digest } = await one.factory.inspect("agents");
    expect(snapshot).toMatchObject({
      why: "manual",
      volumes: [...volumes],
      images: { agents: { version: "dev", digest } },
    });
    await one.expectAtRest();
  });

  test("after another one adds what changed, and no more", async () => {
    await one.factory.onVolume("state", "echo new > /v/new");
    const { bytes, added } = await one.take();
    expect(bytes).toBeGreaterThan(20 * megabyte);
    expect(added).toBeLessThan(megabyte / 10);
  });

  test("is encrypted", async () => {
    const { stdout } = await one.factory.plain(`grep -rl kept ${one.repository} || echo none`);
    expect(stdout).toBe("none");
  });

  test("too many: the oldest goes, also where the repository is somebody else's too", async () => {
    const other = await SnapshotFactory.create(1, one.repository);
    try {
      const [others] = [await other.take()];
      const before = await one.list();
      await one.take();
      await one.take();
      const after = await one.list();
      expect(after).toHaveLength(3);
      expect(after.map(({ id }) => id)).not.toContain(before.at(-1)?.id);
      expect(await other.list()).toEqual([others]);
      const newest = await other.take();
      expect(await other.list()).toEqual([newest]);
      expect(await one.list()).toEqual(after);
      const foreign = await other.run("restore", after[0]?.id ?? "", "--yes");
      expect(foreign.exitCode).toBe(2);
      expect(foreign.stderr).toContain("No snapshot has the ID");
    } finally {
      await other.factory.dispose();
    }
  });

  test("with snapshots off is refused, with the commands that turn them on", async () => {
    const off = await succeeds(one.factory.plain("pulumi config rm --stack test disinto:snapshots"));
    expect(off.exitCode).toBe(0);
    const outcome = await one.run("snapshot");
    await one.set("repository", one.repository);
    await one.set("keep", 3);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain("--path 'disinto:snapshots.repository' /var/backups/disinto");
  });
});

describe("a repository", () => {
  /** Refused before anything is paused, with `words`. */
  async function expectRefused(...words: string[]): Promise<void> {
    const outcome = await one.run("snapshot");
    expect(outcome.exitCode).toBe(1);
    for (const word of words) expect(outcome.stderr).toContain(word);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
    await one.expectAtRest();
  }

  test("whose directory is missing is not made: its disk may not be mounted", async () => {
    await one.set("repository", "/nowhere/at-all");
    await expectRefused("The directory /nowhere/at-all (snapshots.repository) is not there", "mkdir -p -m 700");
    expect((await one.run("snapshots")).stderr).toContain("mkdir -p -m 700 /nowhere/at-all");
    await one.set("repository", one.repository);
  });

  test("that root may not write to is told as such", async () => {
    const directory = newDirectory();
    chownSync(directory, 1000, 1000);
    chmodSync(directory, 0o700);
    await one.set("repository", directory);
    await expectRefused("cannot be written to by root on the Docker host", `chown root ${directory}`);
    await one.set("repository", one.repository);
    rmSync(directory, { recursive: true });
  });

  test("does not open with another password", async () => {
    await one.setPassword("another");
    await expectRefused(`disinto:snapshotPassword does not open ${one.repository}`);
    expect((await one.run("snapshots")).stderr).toContain("does not open");
    await one.setPassword(password);
  });

  test("on a disk with too little room is refused before it starts; what compresses well is let through", async () => {
    const disk = `${one.factory.name}-disk`;
    const options = ["--opt=type=tmpfs", "--opt=device=tmpfs", "--opt=o=size=40m"];
    await one.factory.docker("volume", "create", ...options, disk);
    const { Image: image } = await one.factory.inspect("agents");
    // A volume is mounted as long as a container has it.
    await one.factory.docker("run", "--detach", `--name=${disk}`, `--volume=${disk}:/disk`, "--network=none", image);
    try {
      const mountpoint = await one.factory.docker("volume", "inspect", "--format={{.Mountpoint}}", disk);
      await one.set("repository", mountpoint);
      await random("project-repos", "bigger", 30);
      await expectRefused("No snapshot was taken: it would add", "are free", "lower snapshots.keep");
      expect(await one.list()).toEqual([]);
      await one.factory.onVolume(
        "project-repos",
        "busybox rm /v/bigger; busybox dd if=/dev/zero of=/v/zeros bs=1M count=100",
      );
      const { bytes, added } = await one.take();
      expect(bytes).toBeGreaterThan(120 * megabyte);
      expect(added).toBeLessThan(22 * megabyte);
    } finally {
      await one.factory.docker("rm", "--force", "--volumes", disk);
      await one.factory.docker("volume", "rm", disk);
      await one.set("repository", one.repository);
    }
  });
});
