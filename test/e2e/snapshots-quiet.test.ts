import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { baseImage } from "../../contract/base-image.ts";
import { snapshotImage } from "../../setup/index.ts";
import { execa } from "./execa.ts";
import { dockerHost } from "./harness.ts";
import { type ListedSnapshot, password, SnapshotFactory } from "./snapshot-support.ts";

const env = { DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: "0" };

let one: SnapshotFactory;
let image: string;
let writer: string;

/** Commits, repacks, and writes to two databases, one of each kind of journal, as fast as it can. */
const write = `
git config --global user.name writer; git config --global user.email writer@localhost; git config --global gc.auto 60
git config --global gc.autoDetach false; git init --quiet /repos/r; cd /repos/r
sqlite3 /state/db 'create table t(x)'; sqlite3 /state/wal 'pragma journal_mode = wal; create table t(x)' > /dev/null
while :; do i=$((i + 1)); head -c 3000 /dev/urandom > file$((i % 9)); git add .; git commit --quiet --message=$i; done &
rows='with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) insert into t select randomblob(2000) from n'
for db in db wal; do
  while :; do sqlite3 /state/$db "pragma busy_timeout = 9999; begin; delete from t; $rows; commit" > /dev/null; done &
done
wait`;

const check = `
git config --global --add safe.directory '*'; cd /v/project-repos/r
git fsck --full --strict --no-dangling && git log --oneline | wc -l && for db in db wal; do sqlite3 /v/state/$db 'pragma integrity_check'; done`;

beforeAll(async () => {
  one = await SnapshotFactory.create(20);
  const { name } = one.factory;
  [image, writer] = [`${name}/writer`, `${name}-writer`];
  const dockerfile = `FROM ${baseImage}\nRUN apt-get update && apt-get install -y --no-install-recommends git sqlite3`;
  await execa("docker", ["build", "--tag", image, "-"], { env, input: dockerfile });
  const mounts = ["project-repos", "state"] as const;
  const [repos, state] = mounts.map((volume) => `--volume=${one.factory.volumeName(volume)}`);
  const container = ["--detach", `--name=${writer}`, `${repos}:/repos`, `${state}:/state`, "--network=none"];
  await one.factory.docker("run", ...container, image, "sh", "-c", write);
});

afterAll(async () => {
  await execa("docker", ["rm", "--force", "--volumes", writer], { env, reject: false });
  await one?.dispose();
});

/** What git and SQLite say of a snapshot that was restored to another volume. */
async function checkElsewhere({ id }: ListedSnapshot): Promise<string> {
  const elsewhere = `${one.factory.name}-elsewhere`;
  const volume = `--volume=${elsewhere}:/v`;
  const repository = [`--volume=${one.repository}:/repository`, "--env=RESTIC_REPOSITORY=/repository"];
  const restic = ["restic", "--password-file=/dev/stdin", "--no-cache", "restore", id, "--target=/"];
  const common = ["run", "--rm", "--interactive", "--network=none", volume];
  try {
    await execa("docker", [...common, ...repository, snapshotImage(), ...restic], { env, input: password });
    return (await execa("docker", [...common, image, "sh", "-c", check], { env, reject: false, all: true })).all;
  } finally {
    await execa("docker", ["volume", "rm", elsewhere], { env, reject: false });
  }
}

describe("what is written to while it is snapshotted", () => {
  test("is whole in the snapshot: git fsck and SQLite find nothing wrong; it is written to after as before", async () => {
    const commits: number[] = [];
    for (let times = 0; times < 4; times++) {
      const outcome = await one.run("snapshot");
      expect(outcome.exitCode, outcome.all).toBe(0);
      expect(outcome.stdout).toMatch(new RegExp(`${writer}.* paused for`));
      const [snapshot] = await one.list();
      const found = await checkElsewhere(snapshot as ListedSnapshot);
      expect(found).toMatch(/^\d+\nok\nok$/);
      commits.push(Number.parseInt(found, 10));
    }
    expect(commits).toEqual([...new Set(commits)].sort((a, b) => a - b));
    await one.factory.docker("rm", "--force", "--volumes", writer);
    await one.expectAtRest();
  });
});
