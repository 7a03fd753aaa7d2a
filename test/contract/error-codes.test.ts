import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { codeIn, type ErrorCode, errorCodes, errorLine } from "../../contract/error-codes.ts";
import { codeOf, UserError } from "../../contract/user-error.ts";

const read = (file: string) => readFileSync(file, "utf8");
const [, ...sections] = read("docs/troubleshooting.md").split(/^### /m);
const headings = sections.map((section) => section.slice(0, section.indexOf("\n")));

describe("every code", () => {
  test("has its place in the alphabet, once", () => {
    expect(errorCodes).toEqual([...new Set(errorCodes)].sort());
    for (const code of errorCodes) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  test("has a heading in docs/troubleshooting.md, in the same order, and there are no others", () => {
    expect(headings).toEqual([...errorCodes]);
  });

  test("says there what is seen, why, and what to type", () => {
    for (const section of sections) {
      const begins = [...section.matchAll(/^[-*] ([^:\n]*: )?/gm)].map(([, begin]) => begin);
      expect(begins, section).toEqual(["You see: ", "Why: ", "Type: "]);
    }
  });

  test("is of an error that there is", () => {
    const sources = globSync("**/*.ts", {
      exclude: ["node_modules", ".factory", "dist", "test", "contract/error-codes.ts"],
    }).map(read);
    const launcher = [...read("factory").matchAll(/\bfail ([a-z-]+)/g)].map(([, code]) => code);
    const unused = errorCodes.filter(
      (code) => !launcher.includes(code) && !sources.some((source) => source.includes(`"${code}"`)),
    );
    expect(unused).toEqual([]);
    expect(launcher.filter((code) => !errorCodes.includes(code as ErrorCode))).toEqual([]);
  });
});

test.each(globSync(["*.md", "docs/*.md"]))("%s links to files and headings that there are", (file) => {
  const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
  const broken = links.filter(([, path, anchor]) => {
    const target = path === "" ? file : join(dirname(file), path as string);
    return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

/** Of every heading, as forges make them. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("the line of an error", () => {
  test("is found in what was printed, the last one where there are several", () => {
    expect(errorLine("stack-locked")).toBe("error: stack-locked (docs/troubleshooting.md#stack-locked)");
    const printed = ["It broke.", errorLine("hook-failed"), errorLine("unhealthy"), "Resources: 3 unchanged"];
    expect(codeIn(printed.join("\n"))).toBe("unhealthy");
    expect(codeIn(JSON.stringify({ message: printed.join("\n") }))).toBe("unhealthy");
    expect(codeIn("error: update failed")).toBeUndefined();
  });

  test("has a code for errors that nobody foresaw too", () => {
    expect(codeOf(new UserError("name-taken", "It is in the way."))).toBe("name-taken");
    expect(codeOf(Object.assign(new Error("no space"), { code: "ENOSPC" }))).toBe("unexpected");
  });
});
