import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** The rooms of the house, from the ground up: what each may import, besides itself and all that those may. */
const rooms = {
  lib: [],
  contract: ["lib"],
  images: ["contract"],
  config: ["images"],
  host: ["images"],
  setup: ["host"],
  pulumi: ["setup", "config"],
  components: ["config"],
  program: ["components", "host"],
  "operations/data": ["pulumi"],
  gates: ["operations/data"],
  "operations/preview": ["pulumi"],
  "operations/versions": ["pulumi"],
  "operations/upgrade": ["operations/versions"],
  "operations/rollback": ["operations/upgrade", "operations/data", "operations/preview"],
  "operations/adopt": ["operations/upgrade"],
  "operations/migrate": ["operations/upgrade", "operations/data"],
  "operations/release": ["operations/versions"],
  "operations/init": ["pulumi"],
  tools: ["pulumi"],
  cli: ["operations/*", "tools"],
  "the root": ["cli", "program", "gates"],
} as const satisfies Record<string, readonly string[]>;

/** Imports that the table does not allow yet. This list only gets shorter. */
const exceptions: string[] = [];

const files = globSync("**/*.ts", { exclude: ["node_modules", ".factory", "dist", "test", "vitest.config.ts"] }).sort();

function roomOf(file: string): string {
  const [room = "", folder = ""] = file.split("/");
  if (!file.includes("/")) return "the root";
  return room === "operations" ? `${room}/${folder}` : room;
}

/** Files of this project that a file imports, types too. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import|import\()\s*"(\.{1,2}\/[^"]+\.ts)"/g)].map(([, path = ""]) =>
    join(dirname(file), path),
  );
}

function allowed(room: string): Set<string> {
  const direct: readonly string[] = rooms[room as keyof typeof rooms] ?? [];
  const below = direct.flatMap((name) =>
    name.endsWith("/*") ? Object.keys(rooms).filter((other) => other.startsWith(name.slice(0, -1))) : [name],
  );
  return new Set([room, ...below.flatMap((name) => [...allowed(name)])]);
}

test("every file is in a room, and imports from rooms below it", () => {
  expect(files.filter((file) => !(roomOf(file) in rooms))).toEqual([]);
  const wrong = files.flatMap((file) => {
    const may = allowed(roomOf(file));
    return importsOf(file).flatMap((path) => (may.has(roomOf(path)) ? [] : [`${file} -> ${path}`]));
  });
  expect(wrong).toEqual([...exceptions].sort());
});

test("no files import each other in a circle, types included", () => {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[][] => {
    if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file]];
    if (done.has(file)) return [];
    const circles = importsOf(file).flatMap((next) => visit(next, [...path, file]));
    done.add(file);
    return circles;
  };
  const circles = files.flatMap((file) => visit(file, [])).map((circle) => circle.join(" -> "));
  expect(circles).toEqual([]);
});

test("a room is seen at a glance: at most 20 files in a folder, 250 lines in a file", () => {
  const folders = Map.groupBy(files, dirname);
  expect([...folders].filter(([, { length }]) => length > 20).map(([folder]) => folder)).toEqual([]);
  const lines = (file: string) => readFileSync(file, "utf8").split("\n").length - 1;
  expect(files.filter((file) => lines(file) > 250)).toEqual([]);
});

test("CONTRIBUTING.md has this map", () => {
  const rows = [...readFileSync("CONTRIBUTING.md", "utf8").matchAll(/^\| `([^`]+)` \|.*\| (.*) ?\|$/gm)];
  const map = rows.map(([, room = "", imports = ""]) => [room.replace(/\/$/, ""), imports.match(/[^`, ]+/g) ?? []]);
  const { "the root": _, ...table } = rooms;
  expect(Object.fromEntries(map)).toEqual(table);
});
