import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { pathsOf } from "../../lib/paths.ts";
import { setupProject } from "../../setup/project.ts";
import { temporaryProject, write } from "./support.ts";

/** A package in `modules`, whose packages npm has put beside it (npx) or into it (npm install --global). */
function installed(where: "beside" | "inside") {
  const modules = join(mkdtempSync(join(tmpdir(), "package-")), "node_modules");
  onTestFinished(() => rmSync(join(modules, ".."), { recursive: true }));
  const program = join(modules, "disinto");
  const pulumi = join(where === "beside" ? modules : join(program, "node_modules"), "@pulumi");
  write(join(program, "package.json"), '{ "name": "disinto" }');
  write(join(program, "Pulumi.yaml"), "name: disinto\nmain: index.ts\nruntime:\n  name: nodejs\n");
  write(join(pulumi, "pulumi", "package.json"), '{ "name": "@pulumi/pulumi" }');
  return { program, pulumi };
}

test.each(["beside", "inside"] as const)("a package with its packages %s it gets a project", (where) => {
  const { project } = temporaryProject();
  const { program, pulumi } = installed(where);
  const paths = pathsOf(project, program);
  setupProject(paths);
  const file = join(paths.pulumiProject, "Pulumi.yaml");
  expect(parse(readFileSync(file, "utf8"))).toEqual({
    name: "disinto",
    main: "index.js",
    stackConfigDir: "../..",
    runtime: { name: "nodejs" },
  });
  expect(readlinkSync(join(paths.pulumiProject, "node_modules/disinto"))).toBe(program);
  expect(readlinkSync(join(paths.pulumiProject, "node_modules/@pulumi"))).toBe(pulumi);
});

test("a package that lies elsewhere the next time is found there", () => {
  const { project } = temporaryProject();
  setupProject(pathsOf(project, installed("beside").program));
  const { program } = installed("inside");
  const paths = pathsOf(project, program);
  setupProject(paths);
  expect(readlinkSync(join(paths.pulumiProject, "node_modules/disinto"))).toBe(program);
});

test("a checkout is its own project", () => {
  const paths = temporaryProject();
  setupProject(paths);
  expect(existsSync(paths.own)).toBe(false);
});
