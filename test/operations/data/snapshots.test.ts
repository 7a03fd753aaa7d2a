import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { imageNames, type VolumeKey, volumes } from "../../../contract/names.ts";
import { describeImages, fromTags, type SnapshotLabels, toTags } from "../../../operations/data/labels.ts";
import { nextSteps } from "../../../operations/data/recover.ts";
import { explainRestic, outcomeOf, parseSnapshots } from "../../../operations/data/restic.ts";
import { fits, formatAmount, formatBytes } from "../../../operations/data/space.ts";
import { runningUsers, type VolumeUser, writers } from "../../../operations/data/volume-users.ts";

const store = {
  stack: "prod",
  factory: "acme",
  host: "unix:///x",
  hired: [],
  repository: "/backups",
  password: "canary-password",
};
const digest = `sha256:${"0".repeat(64)}`;
const labels: SnapshotLabels = {
  factory: "acme",
  why: "before v0.2.0",
  images: { agents: { version: "v0.1.1", digest }, edge: { version: digest, digest } },
  volumes: ["agent-data", "caddy_data"],
};

describe("a snapshot's labels", () => {
  test("are tags that can be read without knowing restic", () => {
    expect(toTags(labels)).toEqual([
      "factory=acme",
      "why=before v0.2.0",
      `agents=v0.1.1@${digest}`,
      `edge=${digest}@${digest}`,
      "volume=agent-data",
      "volume=caddy_data",
    ]);
  });

  test("come back from the tags, in any order", () => {
    const version = fc.stringMatching(/^[\w][\w.-]{0,20}$/);
    const image = version.map((text) => ({ version: text, digest }));
    const any = fc.record({
      factory: fc.stringMatching(/^[a-z0-9]{1,9}(-[a-z0-9]{1,9})?$/),
      why: fc.constantFrom("manual", "before restore", "before v0.2.0"),
      images: fc.dictionary(fc.constantFrom(...imageNames), image, { noNullPrototype: true }),
      volumes: fc.subarray<VolumeKey>([...volumes, "agents-bob-data", "project-repos-bob"]),
    });
    expect(() =>
      fc.assert(
        fc.property(any, fc.boolean(), (given, turned) => {
          const tags = toTags(given);
          expect(fromTags(turned ? tags.reverse() : tags)).toEqual(given);
        }),
      ),
    ).not.toThrow();
  });

  test("have no comma, by which restic separates tags", () => {
    expect(toTags({ ...labels, why: "before a,b" }).join("")).not.toContain(",");
  });

  test("are none where the snapshot is somebody else's", () => {
    expect(fromTags(["daily", "why=habit"])).toBeUndefined();
  });

  test("name one version where all images have it, else each", () => {
    expect(describeImages({ agents: { version: "v1", digest }, edge: { version: "v1", digest } })).toBe("v1");
    expect(describeImages({ agents: { version: "v1", digest }, edge: { version: "v2", digest } })).toBe(
      "agents v1, edge v2",
    );
    expect(describeImages({})).toBe("-");
  });
});

describe("the list", () => {
  const summary = { total_files_processed: 3, total_bytes_processed: 4096, data_added_packed: 120 };
  const listed = [
    { id: "a1", time: "2026-11-23T12:17:17.66893713Z", tags: toTags(labels), summary },
    { id: "b2", time: "2026-11-24T01:00:00+02:00", tags: toTags({ ...labels, why: "manual" }), summary },
    { id: "c3", time: "2026-11-25T00:00:00Z", tags: toTags({ ...labels, factory: "acme-2" }), summary },
    { id: "d4", time: "2026-11-26T00:00:00Z" },
  ];

  test("has this factory's snapshots, the newest first", () => {
    expect(parseSnapshots(JSON.stringify(listed), "acme")).toEqual([
      { ...labels, why: "manual", id: "b2", time: "2026-11-23T23:00:00Z", files: 3, bytes: 4096, added: 120 },
      { ...labels, id: "a1", time: "2026-11-23T12:17:17Z", files: 3, bytes: 4096, added: 120 },
    ]);
  });
});

describe("room on the disk", () => {
  const gigabyte = 1e9;

  test("is enough for the data and what restic adds to it", () => {
    expect(fits({ files: 10, bytes: gigabyte }, 1.03 * gigabyte)).toBe(true);
    expect(fits({ files: 10, bytes: gigabyte }, 1.01 * gigabyte)).toBe(false);
    expect(fits({ files: 0, bytes: 0 }, 0)).toBe(false);
  });

  test("is wanted for many small files too", () => {
    expect(fits({ files: 100_000, bytes: 0 }, 60e6)).toBe(false);
    expect(fits({ files: 100_000, bytes: 0 }, 130e6)).toBe(true);
  });

  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1500, "1.5 kB"],
    [120_000_000, "120 MB"],
    [5e9, "5.0 GB"],
  ])("%i bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test("is said in files too", () => {
    expect(formatAmount({ files: 1, bytes: 5e9 })).toBe("5.0 GB in 1 file");
    expect(formatAmount({ files: 100_000, bytes: 5e9 })).toBe("5.0 GB in 100,000 files");
  });
});

describe("those that use the volumes", () => {
  const user = (name: string, status: string, reads: VolumeUser["reads"], writes = reads): VolumeUser => ({
    name,
    status,
    reads,
    writes,
  });
  const users = [
    user("acme-agents", "running", ["agent-data", "state"]),
    user("acme-runner", "created", ["agent-data", "state"]),
    user("acme-edge", "running", ["caddy_data", "state"], ["caddy_data"]),
    user("somebodys-shell", "running", ["projects"]),
    user("held", "paused", ["projects"]),
  ];

  test("are paused where they run and write, but for the edge", () => {
    expect(writers(users)).toEqual(["acme-agents", "somebodys-shell"]);
  });

  test("are stopped for a restore where they so much as read", () => {
    expect(runningUsers(users, ["state"])).toEqual(["acme-agents", "acme-edge"]);
    expect(runningUsers(users, ["projects"])).toEqual(["somebodys-shell", "held"]);
    expect(runningUsers(users, ["project-repos"])).toEqual([]);
  });
});

describe("what restic says", () => {
  const failed = (code: number, message: string) =>
    outcomeOf(code, "", JSON.stringify({ message_type: "exit_error", code, message: `Fatal: ${message}` }));

  test.each([
    [12, "wrong password or no key found", "disinto:snapshotPassword does not open /backups."],
    [11, "unable to create lock", "/backups is locked"],
    [124, "", "/backups did not answer within a minute."],
    [10, "repository does not exist", "There are no snapshots in /backups yet"],
    [1, "write /repository/data/tmp: no space left on device", "The disk of /backups is full."],
    [1, "mkdir /repository/data: permission denied", "cannot be written to by root"],
    [1, "something new", "No snapshot was taken.\nsomething new"],
  ])("%i, %s: is explained", (code, message, explanation) => {
    const { message: text } = explainRestic(store, "No snapshot was taken.", failed(code, message));
    expect(text).toContain(explanation);
    expect(text).not.toContain(store.password);
  });

  test("is taken apart, file by file", () => {
    const error = {
      message_type: "error",
      error: { message: "RemoveNode: ..." },
      during: "restore",
      item: "/v/state/a",
    };
    const { messages, errors } = outcomeOf(
      1,
      '{"message_type":"summary","files_new":1}\n',
      `${JSON.stringify(error)}\nplain`,
    );
    expect(messages).toEqual([{ message_type: "summary", files_new: 1 }]);
    expect(errors).toEqual([{ text: "RemoveNode: ...", item: "/v/state/a" }, { text: "plain" }]);
  });
});

describe("a restore that was cut off", () => {
  const cutOff = { kind: "restore", volumes: ["agent-data", "state"], stopped: ["acme-agents"] } as const;
  const operation = { ...cutOff, volumes: [...cutOff.volumes], stopped: [...cutOff.stopped], snapshot: "a".repeat(64) };

  test("says what the data is, and the commands on and back", () => {
    expect(nextSteps(store, { ...operation, before: "b".repeat(64) })).toBe(
      `agent-data, state: partly snapshot aaaaaaaa, partly what was there before. Other volumes are as they were.
Stopped, and not started on that: acme-agents
  to go on    ./factory restore aaaaaaaa --stack prod --volume agent-data --volume state
  to go back  ./factory restore bbbbbbbb --stack prod --volume agent-data --volume state`,
    );
  });

  test("has no way back where there was nothing before", () => {
    expect(nextSteps(store, operation)).not.toContain("to go back");
  });
});
