import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explainPull, parseMirrors, setupBaseImage, sourcesList } from "../../setup/base-image.ts";
import { recordedProgress, rejection, temporaryProject, write } from "./support.ts";

test("an image that is there needs nothing", async () => {
  const { lines, calls } = await setup("exit 0");
  expect(lines).toEqual(["ready base image: disinto-base:trixie"]);
  expect(calls).toEqual(["image inspect --format {{.Id}} disinto-base:trixie"]);
});

test("an image that is missing is pulled and tagged", async () => {
  const { lines, calls } = await setup('[ "$1" != image ]');
  expect(lines).toContain("pulling debian:trixie-slim from Docker Hub");
  expect(calls.slice(-2)).toEqual(["pull debian:trixie-slim", "tag debian:trixie-slim disinto-base:trixie"]);
});

test("no docker command is an error with a way out", async () => {
  const { progress } = recordedProgress();
  const options = { paths: temporaryProject(), env: { PATH: "/nowhere" }, progress, dockerHost: "unix:///nowhere" };
  expect((await rejection(setupBaseImage(options))).message).toMatch(/^There is no docker command on PATH/);
});

test.each([
  ['Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "is out of reach"],
  [
    'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection',
    "is out of reach",
  ],
  ["toomanyrequests: You have reached your pull rate limit.", "refuses debian:trixie-slim"],
  ["pull access denied for debian", "refuses debian:trixie-slim"],
])("a pull that fails with %j", (said, meaning) => {
  const stderr = `Error response from daemon: ${said}`;
  expect(explainPull({ stderr, timedOut: false })).toBe(`Docker Hub ${meaning}: ${said}`);
});

test("a pull that hangs", () => {
  expect(explainPull({ stderr: "", timedOut: true })).toBe("Docker Hub is out of reach: no answer in time");
});

test("the host's own mirrors serve the image too", () => {
  const mirrors = parseMirrors(
    "Debian-Security http://mirror/debian-security/\nDebian http://mirror/debian/\nDebian http://mirror/debian/\n",
  );
  expect(mirrors).toEqual({ main: "http://mirror/debian", security: "http://mirror/debian-security" });
  expect(sourcesList(mirrors)).toBe(
    "deb http://mirror/debian trixie main\n" +
      "deb http://mirror/debian trixie-updates main\n" +
      "deb http://mirror/debian-security trixie-security main\n",
  );
});

test("a host that is no Debian uses the public mirrors", () => {
  expect(parseMirrors("")).toEqual({
    main: "http://deb.debian.org/debian",
    security: "http://deb.debian.org/debian-security",
  });
});

/** Runs the step with a `docker` that is a shell script and writes down what it is asked. */
async function setup(script: string) {
  const paths = temporaryProject();
  const log = join(paths.project, "calls");
  write(join(paths.project, "bin", "docker"), `#!/bin/sh\necho "$@" >>${log}\n${script}\n`, 0o755);
  const { progress, lines } = recordedProgress();
  const env = { PATH: `${join(paths.project, "bin")}:/usr/bin:/bin` };
  await setupBaseImage({ paths, env, progress, dockerHost: "unix:///nowhere" });
  return { lines, calls: readFileSync(log, "utf8").trim().split("\n") };
}
