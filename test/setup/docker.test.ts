import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  defaultDockerHost,
  dockerEnvironment,
  isDebianLike,
  pingDocker,
  refuseOtherHost,
  setupDocker,
} from "../../setup/docker.ts";
import { type DockerHelpOptions, dockerHelp } from "../../setup/docker-help.ts";
import { recordedProgress, rejection, temporaryProject } from "./support.ts";

test("DOCKER_CONTEXT is refused", () => {
  expect(() => refuseOtherHost(defaultDockerHost, { DOCKER_CONTEXT: "laptop" })).toThrow(
    "DOCKER_CONTEXT is set (laptop): it would silently override the stack's dockerHost, unix:///var/run/docker.sock.",
  );
});

test("another DOCKER_HOST is refused, and both ways out are named", async () => {
  const env = { DOCKER_HOST: "ssh://factory" };
  const failure = setupDocker({ ...common(), env, dockerHost: defaultDockerHost, stack: "dev" });
  expect(await rejection(failure)).toMatchObject({
    message: "DOCKER_HOST is ssh://factory, but the stack deploys to unix:///var/run/docker.sock.",
    byHand: [
      "to deploy to the first: ./factory pulumi -- config set dockerHost ssh://factory --stack dev",
      "to deploy to the second: unset DOCKER_HOST",
    ],
  });
});

test("the same DOCKER_HOST, and empty variables, are fine", () => {
  expect(() => refuseOtherHost("ssh://a", { DOCKER_HOST: "ssh://a", DOCKER_CONTEXT: "" })).not.toThrow();
  expect(() => refuseOtherHost("ssh://a", { DOCKER_HOST: "" })).not.toThrow();
});

test("the docker command is aimed at one host", () => {
  expect(dockerEnvironment("ssh://a", { DOCKER_CONTEXT: "b", DOCKER_HOST: "c", HOME: "/h" })).toEqual({
    DOCKER_HOST: "ssh://a",
    HOME: "/h",
  });
});

test("a daemon that answers needs nothing", async () => {
  const { dockerHost } = await daemon((response) => response.end("OK"));
  const { progress, lines } = recordedProgress();
  await setupDocker({ ...common(), progress, dockerHost });
  expect(lines).toEqual([`ready docker: ${dockerHost}`]);
});

test("a socket that is not there", async () => {
  const dockerHost = `unix://${join(temporaryProject().project, "docker.sock")}`;
  expect(await pingDocker(dockerHost, {})).toEqual({ ok: false, trouble: "absent", detail: "there is no such socket" });
  const error = await rejection(setupDocker({ ...common(), dockerHost }));
  expect(error.message).toBe(`No Docker daemon answers at ${dockerHost}: there is no such socket`);
});

test("a daemon that says nothing is given up in time", async () => {
  const { dockerHost } = await daemon(() => undefined);
  const error = await rejection(setupDocker({ ...common(), dockerHost, timeout: 200 }));
  expect(error).toMatchObject({
    message: `No Docker daemon answers at ${dockerHost}: no answer within 0.2 s`,
    byHand: ["restart the daemon: it accepts connections and does not answer"],
  });
});

test("a host that does not answer over tcp", async () => {
  const dockerHost = "tcp://127.0.0.1:1";
  const error = await rejection(setupDocker({ ...common(), dockerHost, timeout: 5000 }));
  expect(error.message).toContain(`No Docker daemon answers at ${dockerHost}: `);
  expect(error).toMatchObject({ name: "SetupError" });
});

test("no docker command to ask another machine with", async () => {
  expect(await pingDocker("tcp://127.0.0.1:1", { PATH: "/nowhere" })).toMatchObject({ trouble: "no-cli" });
});

const linux: DockerHelpOptions = {
  platform: "linux",
  root: false,
  debianLike: true,
  wsl: false,
  user: "ada",
  dockerHost: defaultDockerHost,
  trouble: "absent",
};

test.each<[string, Partial<DockerHelpOptions>, string[]]>([
  [
    "Debian, not root",
    {},
    [
      "sudo apt-get update",
      "sudo apt-get install -y --no-install-recommends docker.io",
      "sudo systemctl enable --now docker",
      "sudo usermod -aG docker ada (then log out and in again)",
    ],
  ],
  [
    "another Linux, root",
    { root: true, debianLike: false },
    ["install Docker: https://docs.docker.com/engine/install/", "systemctl enable --now docker"],
  ],
  ["no permission", { trouble: "permission" }, ["sudo usermod -aG docker ada", "log out and in again"]],
  [
    "macOS",
    { platform: "darwin", debianLike: false, stack: "dev" },
    [
      "start Docker Desktop, or: brew install colima docker && colima start",
      "docker context inspect --format '{{.Endpoints.docker.Host}}' says where it listens; when that is another place:",
      "./factory pulumi -- config set dockerHost <that> --stack dev",
    ],
  ],
  ["Windows", { platform: "win32" }, ["wsl --install -d Debian", "run ./factory inside WSL"]],
  ["another machine", { dockerHost: "ssh://root@host" }, ["ssh root@host docker version"]],
])("help for %s", (_, options, lines) => {
  expect(dockerHelp({ ...linux, ...options })).toEqual(lines);
});

test("WSL starts services in its own way", () => {
  expect(dockerHelp({ ...linux, wsl: true })).toContain("sudo service docker start");
});

test.each([
  ['ID=debian\nVERSION_ID="12"', true],
  ["NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian", true],
  ['ID=pop\nID_LIKE="ubuntu debian"', true],
  ["ID=fedora", false],
  ["", false],
])("os-release %j is Debian-like: %s", (text, expected) => {
  expect(isDebianLike(text)).toBe(expected);
});

function common() {
  return { paths: temporaryProject(), env: { PATH: process.env.PATH }, progress: recordedProgress().progress };
}

async function daemon(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response));
  const socket = join(temporaryProject().project, "docker.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { dockerHost: `unix://${socket}` };
}
