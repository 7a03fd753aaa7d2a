import { expect, test } from "vitest";
import { lastLines, run } from "../../lib/run.ts";

test("both outputs, each line as it comes, and whether it went well", async () => {
  const lines: string[] = [];
  const outcome = await run("sh", ["-c", "echo a; echo b; printf c >&2"], { onLine: (line) => lines.push(line) });
  expect(outcome).toEqual({ ok: true, stdout: "a\nb", stderr: "c", timedOut: false, found: true });
  expect(lines.sort()).toEqual(["a", "b", "c"]);
  expect(await run("false", [])).toMatchObject({ ok: false, found: true, timedOut: false });
});

test("the environment is the one that is given, and no more", async () => {
  const { stdout } = await run("/usr/bin/env", [], { env: { ONE: "1" } });
  expect(stdout).toBe("ONE=1");
});

test("a program that is not there, and one that is none", async () => {
  const outcome = await run("no-such-program", []);
  expect(outcome).toMatchObject({ ok: false, found: false });
  expect(lastLines(outcome)).toContain("ENOENT");
  expect(await run("/etc/passwd", [])).toMatchObject({ ok: false, found: true });
});

test.each([{ timeout: 300 }, { firstLineTimeout: 300 }])(
  "a program that hangs is given up in time, with the children that hold its outputs: %o",
  async (limit) => {
    const started = performance.now();
    expect(await run("sh", ["-c", "sleep 20 & wait"], limit)).toMatchObject({ ok: false, timedOut: true });
    expect(performance.now() - started).toBeLessThan(4000);
  },
);

test("once a first line is there, the rest may take its time", async () => {
  const outcome = await run("sh", ["-c", "echo a; sleep 0.6; echo b"], { firstLineTimeout: 300 });
  expect(outcome).toMatchObject({ ok: true, stdout: "a\nb" });
});

test("the last lines are those of stderr, where there are any", () => {
  const outcome = { ok: false, stdout: "out", stderr: "1\n2\n3", timedOut: false, found: true };
  expect(lastLines(outcome, 2)).toBe("2\n3");
  expect(lastLines({ ...outcome, stderr: "" })).toBe("out");
});
