import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ownFile, projectDirectory, projectFile } from "../../lib/program-files.ts";
import { temporaryProject } from "../setup/support.ts";

describe("in a checkout", () => {
  test("pulumi finds everything below the directory it runs in", () => {
    expect(ownFile("gates/main.ts")).toBe("gates/main.ts");
    expect(projectFile("tiny")).toBe("tiny");
    expect(projectDirectory("/anywhere")).toBe(join(import.meta.dirname, "../.."));
  });
});

describe("with the package", () => {
  test("the project is the directory it is used in, also where pulumi runs", () => {
    expect(projectDirectory("/srv/factory", true)).toBe("/srv/factory");
    expect(projectDirectory("/srv/factory/.factory/project", true)).toBe("/srv/factory");
    expect(projectDirectory("/srv/project", true)).toBe("/srv/project");
  });

  test("its own files are found where Node would find the package, by a relative path", () => {
    const { project } = temporaryProject();
    const program = join(project, "packages", "mine");
    mkdirSync(join(program, "node_modules"), { recursive: true });
    mkdirSync(join(project, "node_modules", "disinto"), { recursive: true });
    expect(ownFile("docker", project, true)).toBe("node_modules/disinto/docker");
    expect(ownFile("docker", program, true)).toBe("../../node_modules/disinto/docker");
  });

  test("people's files are found from where pulumi runs", () => {
    expect(projectFile("tiny", "/srv/factory/.factory/project", true)).toBe("../../tiny");
    expect(projectFile("tiny", "/srv/factory", true)).toBe("tiny");
    expect(projectFile("/srv/tiny", "/srv/factory/.factory/project", true)).toBe("/srv/tiny");
  });
});
