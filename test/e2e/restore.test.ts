import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { volumes } from "../../contract/names.ts";
import { type ListedSnapshot, SnapshotFactory, succeeds } from "./snapshot-support.ts";

let one: SnapshotFactory;
let first: ListedSnapshot;
let contents: Record<string, string>;
let ids: string[];

const all = ["agents", "runner", "reproduce", "edge"] as const;

beforeAll(async () => {
  one = await SnapshotFactory.create(10);
  for (const volume of volumes) await one.factory.onVolume(volume, `echo ${volume} > /v/kept`);
  await one.factory.onVolume(
    "project-repos",
    `cd /v; busybox mkdir -p a/shared; echo text > a/file; busybox ln a/file hard; busybox ln -s a/file link
     echo "odd" > "odd [name]*"; busybox cp /bin/busybox a/program; busybox chmod 4755 a/program; busybox chmod 600 a/file
     busybox chown -R 1000:1000 .; busybox chown -h 1001:1002 link; busybox chmod 2770 a/shared; busybox chmod 750 .`,
  );
  contents = await one.contents();
  ids = await containerIds();
  first = await one.take();
});

afterAll(async () => {
  await one?.dispose();
});

const containerIds = () => Promise.all(all.map(async (component) => (await one.factory.inspect(component)).Id));
const restore = (...args: string[]) => one.run("restore", ...args, "--yes");

/** As it was, in the containers that were there before. */
async function expectAtRest(): Promise<void> {
  expect(await containerIds()).toEqual(ids);
  expect((await one.factory.inspect("edge")).State.Status).toBe("running");
  await one.expectAtRest();
}

describe("a restore", () => {
  test("brings back every file with owner, mode and links, and leaves nothing else", async () => {
    await one.factory.onVolume(
      "project-repos",
      `cd /v; busybox rm -r a link; echo file > a; busybox mkdir link; echo new > link/new; echo more > "odd [name]*"
       busybox mkdir -p new/deep; echo new > new/deep/file; busybox chown -R 0:0 .; busybox chmod 777 .`,
    );
    await one.factory.onVolume("state", "busybox rm /v/kept");
    const changed = await one.contents();
    const outcome = await succeeds(restore(first.id));
    expect(outcome.stdout).toContain(`Stopped for it, and started after: `);
    expect(await one.contents()).toEqual(contents);
    await expectAtRest();
    const [before] = await one.list();
    expect(before?.why).toBe("before restore");
    expect(outcome.stdout).toContain(`to undo  ./factory restore ${before?.id.slice(0, 8)}`);
    await succeeds(restore(before?.id ?? ""));
    expect(await one.contents()).toEqual(changed);
    await succeeds(restore(first.id));
  });

  test("of one volume leaves the others, and who does not use it", async () => {
    await one.factory.onVolume("projects", "echo other > /v/kept");
    await one.factory.onVolume("state", "echo newer > /v/kept");
    const edge = await one.factory.docker(
      "inspect",
      "--format={{.State.StartedAt}}",
      one.factory.containerName("edge"),
    );
    await succeeds(restore(first.id, "--volume", "projects"));
    expect(await one.contentOf("projects")).toBe(contents.projects);
    expect(await one.factory.onVolume("state", "busybox cat /v/kept")).toBe("newer");
    expect(
      await one.factory.docker("inspect", "--format={{.State.StartedAt}}", one.factory.containerName("edge")),
    ).toBe(edge);
    await expectAtRest();
  });

  test("makes a volume that is gone, as on a new host", async () => {
    await succeeds(one.run("destroy", "--yes"));
    for (const volume of volumes) await one.factory.docker("volume", "rm", one.factory.volumeName(volume));
    const outcome = await succeeds(restore(first.id));
    expect(outcome.stdout).not.toContain("to undo");
    await succeeds(one.run("up", "--yes"));
    expect(await one.contents()).toEqual(contents);
    ids = await containerIds();
    await expectAtRest();
  });

  test("asks first, and is refused where nobody answers", async () => {
    const outcome = await one.run("restore", first.id);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain(`Nobody to ask here. Nothing was changed: ./factory restore ${first.id}`);
    await expectAtRest();
  });

  test("of what is not there is refused, with the list", async () => {
    const outcome = await restore("0123abcd");
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain("No snapshot has the ID 0123abcd.");
    expect(outcome.stderr).toContain(first.id.slice(0, 8));
    expect((await restore(first.id, "--volume", "nothing")).exitCode).toBe(2);
    await expectAtRest();
  });

  test("whose snapshot cannot be read back leaves a way on and a way back", async () => {
    const damaged = await SnapshotFactory.create(10);
    try {
      await damaged.factory.onVolume("state", "busybox dd if=/dev/urandom of=/v/data bs=1M count=2 2>/dev/null");
      const snapshot = await damaged.take();
      await damaged.factory.onVolume("state", "echo present > /v/data");
      const present = await damaged.contentOf("state");
      await succeeds(damaged.factory.plain(`find ${damaged.repository}/data -type f -size +1M -delete`));
      const failed = await damaged.run("restore", snapshot.id, "--volume", "state", "--yes");
      expect(failed.exitCode).toBe(1);
      const back = /to go back {2}\.\/factory (restore \w+ --stack test --volume state)/.exec(failed.stderr)?.[1] ?? "";
      expect(failed.stderr).toContain(
        `to go on    ./factory restore ${snapshot.id.slice(0, 8)} --stack test --volume state`,
      );
      expect(failed.stderr).toMatch(/Stopped, and not started on that: \S+-(agents|edge), \S+-(agents|edge)\n/);
      expect(await damaged.states()).toEqual({ agents: "exited", helper: "exited" });
      const refused = await damaged.run("snapshot");
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain("was not finished. Nothing was touched.");
      expect((await damaged.run("restore", snapshot.id, "--yes")).stderr).toContain("comes first");
      const [, id = "", , , ...rest] = back.split(" ");
      await succeeds(damaged.run("restore", id, ...rest, "--yes"));
      expect(await damaged.contentOf("state")).toBe(present);
      await damaged.expectAtRest();
    } finally {
      await damaged.dispose();
    }
  });
});
