import { PassThrough } from "node:stream";
import { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { SetupError } from "../../contract/user-error.ts";
import { createProgress, type Report } from "../../lib/progress.ts";

const title = "Get it (it is missing)";

test("without a terminal a step says what, why, what it met, and how long it took, and nothing else", async () => {
  const { stream, text } = recorder();
  const result = await createProgress({ stream }).step("Get it", "it is missing", async (report) => {
    await work(report);
    return 7;
  });
  expect(result).toBe(7);
  expect(text()).toMatch(
    /^❯ Get it \(it is missing\)\n› found it\n› and put it away\n✔ Get it \(it is missing\) \[0\.\ds\]\n$/,
  );
});

test("without a terminal a step that fails says so", async () => {
  const { stream, text } = recorder();
  const failing = createProgress({ stream }).step("Get it", "it is missing", () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(text()).toMatch(/^❯ Get it \(it is missing\)\n✖ Get it \(it is missing\) \[failed after 0\.\ds\]\n$/);
});

test.each([false, true])("the error of a step is passed on as it is (terminal: %s)", async (isTTY) => {
  const error = new SetupError("engine-missing", "It broke.", ["mend it"]);
  const { stream } = recorder(isTTY);
  const failing = createProgress({ stream }).step("Get it", "it is missing", () => Promise.reject(error));
  expect(await failing.catch((caught: unknown) => caught)).toBe(error);
});

test("a terminal shows where the work is now, and keeps what is worth it and how long it took", async () => {
  const { stream, text } = recorder(true);
  await createProgress({ stream }).step("Get it", "it is missing", work);
  expect(text()).toContain(`${title}\n  › found it\n    half of it`);
  expect(lastFrame(text())).toMatch(/^✔ Get it \(it is missing\) \[0\.\ds\]\n {2}› found it\n {4}and put it away\n$/);
});

test("a terminal shows that a step failed, after how long, and what it met", async () => {
  const { stream, text } = recorder(true);
  const failing = createProgress({ stream }).step("Get it", "it is missing", async (report) => {
    await work(report);
    report.now("the last thing");
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(lastFrame(text())).toMatch(
    /^✖ Get it \(it is missing\) \[failed after 0\.\ds\]\n {2}› found it\n {4}and put it away\n$/,
  );
});

test.each([
  [true, {}, true],
  [true, { NO_COLOR: "1" }, false],
  [true, { TERM: "dumb" }, false],
  [false, {}, false],
])("colours (terminal: %s) with %o: %s", async (isTTY, env: Record<string, string>, coloured) => {
  const { stream, raw } = recorder(isTTY, env);
  const progress = createProgress({ stream, showReady: true });
  progress.ready("engine", "v1");
  await progress.step("Get it", "it is missing", work);
  await progress.step("Get it", "it is missing", () => Promise.reject(new Error("no"))).catch(() => undefined);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
  expect(/\x1b\[\d+m/.test(raw())).toBe(coloured);
});

test("a terminal that cannot move its cursor gets plain lines", async () => {
  const { stream, raw } = recorder(true, { TERM: "dumb" });
  await createProgress({ stream }).step("Get it", "it is missing", work);
  expect(raw()).toMatch(/^❯ Get it \(it is missing\)\n› found it\n/);
  expect(raw()).not.toContain("\x1b");
});

test("what is ready is shown only when asked for", () => {
  const { stream, text } = recorder();
  createProgress({ stream }).ready("engine", "v1");
  expect(text()).toBe("");
  createProgress({ stream, showReady: true }).ready("engine", "v1");
  expect(text()).toBe("✔ engine: v1\n");
});

test("a set-up error lists what to do by hand", () => {
  expect(new SetupError("engine-missing", "It broke.", ["one", "two"]).shown).toBe(
    "It broke.\nTo do it by hand:\n  one\n  two",
  );
});

async function work(report: Report): Promise<void> {
  report.line("found it");
  report.now("half of it");
  await new Promise((resolve) => setTimeout(resolve, 150));
  report.line("and put it away");
}

/** What is left on a terminal: the last thing written, after all of what was there before is erased. */
function lastFrame(text: string): string {
  return text.slice(Math.max(text.lastIndexOf("✔"), text.lastIndexOf("✖")));
}

/** A stream that remembers, and tells its colours as a real terminal does in this environment. */
function recorder(isTTY = false, env: Record<string, string> = {}) {
  const environment = {
    TERM: "xterm",
    CI: undefined,
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
    NODE_DISABLE_COLORS: undefined,
  };
  for (const [name, value] of Object.entries({ ...environment, ...env })) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const { getColorDepth } = WriteStream.prototype;
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY, columns: 80, rows: 24, getColorDepth });
  let all = "";
  stream.on("data", (text: string) => {
    all += text;
  });
  return { stream: stream as unknown as WriteStream, raw: () => all, text: () => stripVTControlCharacters(all) };
}
