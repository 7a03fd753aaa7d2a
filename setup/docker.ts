import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseTimer } from "listr2";
import { SetupError } from "../contract/user-error.ts";
import { refuseDockerContext } from "../host/docker-context.ts";
import { pulumiCommand } from "../lib/factory-command.ts";
import { withLock } from "../lib/lock.ts";
import { makeOwnDirectory, type Paths } from "../lib/paths.ts";
import type { Progress, Report } from "../lib/progress.ts";
import { findOnPath, lastLines, run } from "../lib/run.ts";
import { type DockerTrouble, dockerHelp } from "./docker-help.ts";
import { removeStalePidFile } from "./pid-file.ts";

export const defaultDockerHost = "unix:///var/run/docker.sock";

export interface DockerOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  progress: Progress;
  /** Where the stack deploys to. */
  dockerHost: string;
  /** The stack's name, for messages. @default "<stack>" */
  stack?: string;
  /** Milliseconds a daemon has to answer. @default 10000 */
  timeout?: number;
}

export type DockerAnswer = { ok: true } | { ok: false; trouble: DockerTrouble; detail: string };

const startTimeoutMs = 60_000;
const otherDaemonMs = 5_000;

/**
 * Makes sure that a Docker daemon answers at `dockerHost`. The local default one is installed and started where this
 * process may do so (root on Debian or Ubuntu); everything else that is wrong is a `SetupError`.
 */
export async function setupDocker(options: DockerOptions): Promise<void> {
  const { paths, env, progress, dockerHost } = options;
  refuseOtherHost(dockerHost, env, options.stack);
  const answer = await pingDocker(dockerHost, env, options.timeout);
  if (answer.ok) return progress.ready("docker", dockerHost);

  const platform = describePlatform();
  const mayStart = dockerHost === defaultDockerHost && platform.root && platform.debianLike;
  if (!mayStart || answer.trouble === "silent") {
    throw new SetupError(
      "docker-unreachable",
      `No Docker daemon answers at ${dockerHost}: ${answer.detail}`,
      dockerHelp({ ...platform, ...answer, dockerHost, stack: options.stack }),
    );
  }
  makeOwnDirectory(paths);
  await progress.step(
    "Start Docker",
    `nothing answers at ${dockerHost}; the factory's containers run there`,
    (report) =>
      withLock(paths, "docker", report, async () => {
        if (!(await pingDocker(dockerHost, env, options.timeout)).ok) await installAndStart(options, report);
      }),
  );
}

/** Throws a `SetupError` when the environment would send parts of a deployment to another daemon than `dockerHost`. */
export function refuseOtherHost(dockerHost: string, env: NodeJS.ProcessEnv, stack = "<stack>"): void {
  refuseDockerContext(dockerHost, env);
  if (env.DOCKER_HOST && env.DOCKER_HOST !== dockerHost) {
    throw new SetupError(
      "docker-host-conflict",
      `DOCKER_HOST is ${env.DOCKER_HOST}, but the stack deploys to ${dockerHost}.`,
      [
        `to deploy to the first: ${pulumiCommand} config set dockerHost ${env.DOCKER_HOST} --stack ${stack}`,
        "to deploy to the second: unset DOCKER_HOST",
      ],
    );
  }
}

/** The environment for the `docker` command, aimed at `dockerHost` and nowhere else. */
export function dockerEnvironment(dockerHost: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { DOCKER_CONTEXT: _, ...rest } = env;
  return { ...rest, DOCKER_HOST: dockerHost };
}

/** Asks the daemon at `dockerHost` (unix, tcp or ssh) for a sign of life; `timeout` in milliseconds. */
export async function pingDocker(dockerHost: string, env: NodeJS.ProcessEnv, timeout = 10_000): Promise<DockerAnswer> {
  if (dockerHost.startsWith("unix://")) return pingSocket(dockerHost.slice("unix://".length), timeout);
  const outcome = await run("docker", ["version", "--format", "{{.Server.Version}}"], {
    env: dockerEnvironment(dockerHost, env),
    timeout,
  });
  if (outcome.ok) return { ok: true };
  if (!outcome.found) return { ok: false, trouble: "no-cli", detail: "there is no docker command to ask with" };
  if (outcome.timedOut) return { ok: false, trouble: "silent", detail: `no answer within ${timeout / 1000} s` };
  return { ok: false, trouble: "absent", detail: lastLines(outcome, 3) };
}

function pingSocket(socketPath: string, timeout: number): Promise<DockerAnswer> {
  return new Promise((resolve) => {
    const fail = (trouble: DockerTrouble, detail: string) => resolve({ ok: false, trouble, detail });
    const ping = request({ socketPath, path: "/_ping", headers: { host: "docker" }, agent: false }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve({ ok: true });
      else fail("absent", `it answers ${response.statusCode}`);
    });
    ping.setTimeout(timeout, () => {
      fail("silent", `no answer within ${timeout / 1000} s`);
      ping.destroy();
    });
    ping.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EACCES" || error.code === "EPERM") fail("permission", "permission denied");
      else if (error.code === "ENOENT") fail("absent", "there is no such socket");
      else fail("absent", error.code === "ECONNREFUSED" ? "nothing listens there" : error.message);
    });
    ping.end();
  });
}

async function installAndStart(options: DockerOptions, report: Report): Promise<void> {
  if (!findDockerd(options.env)) await aptInstall(["docker.io"], options.env, report);
  const runsServices = existsSync("/run/systemd/system");
  if (runsServices) await startService(report);
  await untilItAnswers(options, runsServices ? undefined : startDaemon(options, report));
}

// On a fresh machine a `docker` command may exist without its daemon.
const findDockerd = (env: NodeJS.ProcessEnv) => findOnPath("dockerd", `${env.PATH ?? ""}:/usr/sbin:/usr/local/sbin`);

/** Installs Debian packages (as root), refreshing the package lists only when the first attempt fails. */
export async function aptInstall(packages: string[], env: NodeJS.ProcessEnv, report: Report): Promise<void> {
  const apt = (...args: string[]) =>
    run("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
      env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
      onLine: (line) => report.now(line),
    });
  const install = () => apt("install", "-y", "--no-install-recommends", ...packages);
  report.line(`installing ${packages.join(", ")} with apt-get`);
  let outcome = await install();
  if (!outcome.ok) {
    report.line("refreshing the package lists");
    await apt("update");
    outcome = await install();
  }
  report.now("");
  if (outcome.ok) return;
  throw new SetupError("packages-missing", `apt-get cannot install ${packages.join(", ")}:\n${lastLines(outcome)}`, [
    "apt-get update",
    `apt-get install -y --no-install-recommends ${packages.join(" ")}`,
  ]);
}

async function startService(report: Report): Promise<void> {
  report.line("starting the docker service");
  const outcome = await run("systemctl", ["enable", "--now", "docker"], { timeout: startTimeoutMs });
  if (outcome.ok) return;
  throw new SetupError("docker-unreachable", `The docker service does not start:\n${lastLines(outcome)}`, [
    "systemctl status docker",
    "journalctl -u docker -e",
  ]);
}

const pidFiles = { "/var/run/docker.pid": "dockerd", "/var/run/docker/containerd/containerd.pid": "containerd" };

/** Starts a daemon that outlives this process, and so must write to the log by itself: execa takes no open file. */
function startDaemon({ paths, env }: DockerOptions, report: Report): ChildProcess {
  for (const [file, program] of Object.entries(pidFiles)) {
    if (removeStalePidFile(file, program)) report.line(`removing ${file}, left behind by a ${program} that was killed`);
  }
  report.line(`starting dockerd; its log is ${paths.dockerdLog}`);
  const log = openSync(paths.dockerdLog, "a", 0o600);
  const { DOCKER_HOST: _, ...rest } = env;
  const daemon = spawn(findDockerd(env) ?? "dockerd", [], {
    cwd: "/",
    env: { ...rest, PATH: `${env.PATH ?? ""}:/usr/sbin:/sbin` },
    detached: true,
    stdio: ["ignore", log, log],
  });
  daemon.on("error", () => undefined);
  daemon.unref();
  return daemon;
}

async function untilItAnswers({ paths, env, dockerHost }: DockerOptions, daemon?: ChildProcess): Promise<void> {
  const started = Date.now();
  let until = started + startTimeoutMs;
  // The package may have started a daemon of its own, on whose account this one ends.
  daemon?.once("exit", () => {
    until = Math.min(until, Date.now() + otherDaemonMs);
  });
  for (; Date.now() < until; await sleep(250)) {
    if ((await pingDocker(dockerHost, env)).ok) return;
  }
  const log = existsSync(paths.dockerdLog) ? readFileSync(paths.dockerdLog, "utf8") : "";
  throw new SetupError(
    "docker-unreachable",
    `Docker was started but does not answer at ${dockerHost} after ${parseTimer(Date.now() - started)}.\n${log.trimEnd().split("\n").slice(-8).join("\n")}`,
    [`read ${paths.dockerdLog} (or: journalctl -u docker -e)`, "dockerd"],
  );
}

/** What there is to know about this machine for `dockerHelp` and for installing packages. */
export function describePlatform(): {
  platform: NodeJS.Platform;
  root: boolean;
  debianLike: boolean;
  wsl: boolean;
  user: string;
} {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return {
    platform: process.platform,
    root: process.getuid?.() === 0,
    debianLike: isDebianLike(release),
    wsl: Boolean(process.env.WSL_DISTRO_NAME),
    user: process.env.USER || "$USER",
  };
}

/** Whether an os-release file is that of Debian, Ubuntu or one of their children. */
export function isDebianLike(osRelease: string): boolean {
  const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)=(.*)$/gm)].flatMap(([, value]) =>
    (value ?? "").replaceAll(/["']/g, "").split(" "),
  );
  return ids.includes("debian") || ids.includes("ubuntu");
}
