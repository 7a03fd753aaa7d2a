import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unmountBelow } from "../../lib/mounts.ts";
import { removeStalePidFile } from "../../setup/pid-file.ts";
import { execa } from "./execa.ts";
import { killProcesses } from "./processes.ts";

/** A Docker daemon of a test's own, which it may kill and whose disk it may fill. It needs root. */
export class OwnDaemon {
  readonly host: string;
  private readonly directory = mkdtempSync(join(tmpdir(), "factory-daemon-"));
  private process: ChildProcess | undefined;

  private constructor() {
    this.host = `unix://${join(this.directory, "docker.sock")}`;
  }

  /** @param megabytes size of the disk its images, containers and volumes are on */
  static async start(megabytes: number): Promise<OwnDaemon> {
    if (process.getuid?.() !== 0) throw new Error("these tests start a Docker daemon of their own: run them as root");
    const daemon = new OwnDaemon();
    mkdirSync(daemon.dataRoot);
    await execa("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", daemon.dataRoot]);
    await daemon.restart();
    return daemon;
  }

  /** `kill -9`: what it has started, containers among it, is left to itself. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async restart(): Promise<void> {
    const inside = (name: string) => join(this.directory, name);
    const log = openSync(inside("log"), "a");
    const args = [
      ...["--host", this.host, "--data-root", this.dataRoot, "--exec-root", inside("exec"), "--pidfile", inside("pid")],
      ...["--iptables=false", "--ip-masq=false"],
    ];
    const deadline = Date.now() + 300_000;
    // It dies with dockerd, a moment later; until then, or where nobody reaps it, dockerd takes it for running.
    const containerd = inside("exec/containerd/containerd.pid");
    while (existsSync(containerd) && !removeStalePidFile(containerd, "containerd")) {
      if (Date.now() > deadline) throw new Error("containerd outlives its dockerd");
      await sleep(20);
    }
    const { DOCKER_HOST: _, ...env } = process.env;
    // In a network namespace of its own: it would take the machine's daemon the bridge away.
    this.process = spawn("unshare", ["--net", "dockerd", ...args], { env, stdio: ["ignore", log, log] });
    while (!(await this.answers())) {
      if (Date.now() > deadline) throw new Error(`dockerd does not answer:\n${readFileSync(inside("log"), "utf8")}`);
      await sleep(100);
    }
  }

  /** Ends the daemon and all that it started, and removes its data. */
  async dispose(): Promise<void> {
    await this.end("SIGTERM");
    await killProcesses(({ commandLine }) => commandLine.includes(this.directory));
    await unmountBelow(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get dataRoot(): string {
    return join(this.directory, "data");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.process;
    this.process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await ended;
  }

  private async answers(): Promise<boolean> {
    return (await execa("docker", ["version"], { env: { DOCKER_HOST: this.host }, reject: false })).exitCode === 0;
  }
}
