import { randomBytes, randomInt } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { watchVariable } from "../../contract/gates.ts";
import {
  type ComponentName,
  componentNames,
  containerName,
  imageNames,
  labelKeys,
  networkName,
  type VolumeKey,
  volumeName,
  volumes,
} from "../../contract/names.ts";
import { execa } from "./execa.ts";

/** Docker daemon the tests run on. */
export const dockerHost = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";

const project = resolve(import.meta.dirname, "../..");

/** What a command printed, and how it ended. */
export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Both, in the order they came. */
  all: string;
  /** Seconds. */
  duration: number;
}

/** What a test looks at in `docker inspect`. */
export interface Container {
  Id: string;
  Image: string;
  State: { Status: string; ExitCode: number; StartedAt: string; Health?: { Status: string } };
  Config: { Env: string[]; Labels: Record<string, string>; Image: string };
  HostConfig: { PidsLimit: number; Memory: number; Privileged: boolean; SecurityOpt: string[]; CapAdd: string[] };
  Mounts: { Type: string; Name: string; Destination: string; RW: boolean }[];
}

type Command = [file: string, ...args: string[]];

/**
 * A factory of a test: a copy of the project in a git repository of its own, with one stack, on the real engine and
 * the real daemon, under a name nobody else has. `dispose` removes what bears that name, and nothing else.
 */
export class TestFactory {
  readonly name = `e2e-${randomBytes(4).toString("hex")}`;
  readonly stack = "test";
  readonly directory: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** How long an `up` watches new services; undefined for as long as it does for people. Crashes come later in no other test. */
  watchSeconds: string | undefined = "1";
  /** The factory command, and what comes before its verb. */
  private readonly command: Command;
  private exports = "";

  private constructor(directory: string, [httpPort, httpsPort]: [number, number], command?: Command) {
    this.directory = directory;
    this.command = command ?? [join(directory, "factory")];
    this.httpPort = httpPort;
    this.httpsPort = httpsPort;
  }

  /** A factory of tiny images that are not ours, on free ports, with `config` over it. */
  static async create(config: Record<string, unknown> = {}): Promise<TestFactory> {
    const factory = new TestFactory(await copyProject(), await freePorts());
    for (const image of imageNames) factory.label(`tiny/docker/${image}/Dockerfile`);
    await factory.configure(config);
    await factory.git("init", "--quiet", "--initial-branch=main");
    await factory.git("add", "--all");
    await factory.git("commit", "--quiet", "--message=A factory");
    return factory;
  }

  /** A factory in an empty directory, of the program in a tarball, with `config`; its commands see nothing of this checkout. */
  static async ofPackage(tarball: string, config: Record<string, unknown>): Promise<TestFactory> {
    const directory = mkdtempSync(join(tmpdir(), "factory-e2e-"));
    const hiding: Command = ["unshare", "--mount", "sh", "-c", hideCheckout, "sh", project];
    const npx = ["npx", "--yes", "--package", tarball, "factory"];
    const factory = new TestFactory(directory, await freePorts(), [...hiding, ...npx]);
    await factory.configure({ build: undefined, ...config });
    return factory;
  }

  /** Writes the stack's file: this factory's name, host and ports, the tiny images, and `config` over that. */
  async configure(config: Record<string, unknown>): Promise<void> {
    const { name: factoryName, httpPort, httpsPort } = this;
    const keys = { factoryName, dockerHost, build: { source: "tiny" }, edge: { httpPort, httpsPort }, ...config };
    const prefixed = Object.entries(keys).map(([key, value]) => [`disinto:${key}`, value]);
    writeFileSync(
      join(this.directory, `Pulumi.${this.stack}.yaml`),
      stringify({ config: Object.fromEntries(prefixed.filter(([, value]) => value !== undefined)) }),
    );
  }

  /** Runs the factory command: `./factory <verb> --stack test`. */
  factory(verb: string, args: string[] = [], env: Record<string, string> = {}): Promise<Outcome> {
    const [file, ...before] = this.command;
    return this.run(file, [...before, verb, "--stack", this.stack, ...args], env);
  }

  /** Starts `./factory <verb> --stack test` as the leader of a process group, like a shell does. */
  start(verb: string, args: string[] = [], env: Record<string, string> = {}) {
    const [file, ...before] = this.command;
    return execa(file, [...before, verb, "--stack", this.stack, ...args], {
      cwd: this.directory,
      env: { NO_COLOR: "1", ...this.ownState(), ...env },
      all: true,
      stdin: "ignore",
      reject: false,
      detached: true,
    });
  }

  /** Runs a shell command, with this standard input, in the environment that `./factory env` printed the first time. */
  async plain(script: string, env: Record<string, string> = {}, input = ""): Promise<Outcome> {
    if (this.exports === "") {
      const printed = await this.factory("env", [], env);
      if (printed.exitCode !== 0) return printed;
      this.exports = printed.stdout;
    }
    return this.run("sh", ["-c", `${this.exports}\n${script}`], env, input);
  }

  async git(...args: string[]): Promise<string> {
    const identity = ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"];
    return (await execa("git", [...identity, ...args], { cwd: this.directory })).stdout;
  }

  containerName(component: ComponentName): string {
    return containerName(this.name, component);
  }

  volumeName(volume: VolumeKey): string {
    return volumeName(this.name, volume);
  }

  async inspect(component: ComponentName): Promise<Container> {
    const { stdout } = await execa("docker", ["container", "inspect", this.containerName(component)], { env: onHost });
    return JSON.parse(stdout)[0];
  }

  /** Runs the Docker CLI on the tests' daemon and returns what it prints. */
  async docker(...args: string[]): Promise<string> {
    return (await execa("docker", args, { env: onHost })).stdout;
  }

  /** Tags of the images on the daemon that bear the factory's name. */
  async ownImages(name = this.name): Promise<string[]> {
    const tags = await this.docker("images", `--filter=reference=${name}/*`, "--format={{.Repository}}:{{.Tag}}");
    return tags.split("\n").filter((tag) => tag !== "");
  }

  /** References by digest of an image on the daemon. */
  async digestsOf(image: string): Promise<string[]> {
    return JSON.parse(await this.docker("image", "inspect", "--format={{json .RepoDigests}}", image));
  }

  /** Runs busybox on one of the factory's volumes, mounted at /v, in a container of the tiny agents image. */
  async onVolume(volume: VolumeKey, script: string): Promise<string> {
    const { Image: image } = await this.inspect("agents");
    const mount = `${this.volumeName(volume)}:/v`;
    const args = ["run", "--rm", "--network=none", "--entrypoint=/bin/sh", "-v", mount, image, "-c", script];
    return (await execa("docker", args, { env: onHost })).stdout;
  }

  /** Names of the containers, networks and volumes on the host that begin with the factory's name. */
  async leftovers(): Promise<string[]> {
    const list = async (...args: string[]) =>
      (await execa("docker", args, { env: onHost })).stdout.split("\n").filter((name) => name.startsWith(this.name));
    return [
      ...(await list("ps", "--all", "--format={{.Names}}")),
      ...(await list("network", "ls", "--format={{.Name}}")),
      ...(await list("volume", "ls", "--format={{.Name}}")),
    ];
  }

  /**
   * Removes everything on the host that bears this factory's name, and the copy of the project.
   * @param others names that its config gave it for a while
   */
  async dispose(...others: string[]): Promise<void> {
    for (const name of [...others, this.name]) await this.removeFromHost(name);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /**
   * Removes those of these volumes that exist. For a moment a migration of another test may look into them, once no container has
   * them. @returns what Docker says of those that it does not remove
   */
  async removeVolumes(names: string[]): Promise<string> {
    const looking = () => this.docker("ps", "--quiet", `--filter=label=${labelKeys.component}=migration`);
    for (let tries = 0; ; tries++) {
      const { stderr } = await execa("docker", ["volume", "rm", "--force", ...names], { env: onHost, reject: false });
      if (!stderr.includes("in use") || (tries > 3 && (await looking()) === "")) return stderr;
      await sleep(500);
    }
  }

  private async removeFromHost(name: string): Promise<void> {
    const remove = (...args: string[]) => execa("docker", args, { env: onHost, reject: false });
    await remove("rm", "--force", "--volumes", ...componentNames.map((component) => containerName(name, component)));
    // Those of hired agents.
    const own = `--filter=label=${labelKeys.factory}=${name}`;
    const others = await this.docker("ps", "--all", "--quiet", own);
    if (others !== "") await remove("rm", "--force", "--volumes", ...others.split("\n"));
    const networks = await this.docker("network", "ls", "--quiet", `--filter=name=^${networkName(name)}$`);
    if (networks !== "") await remove("network", "rm", ...networks.split("\n"));
    const labelled = await this.docker("volume", "ls", "--quiet", own);
    const named = volumes.map((volume) => volumeName(name, volume));
    await this.removeVolumes([...named, ...(labelled === "" ? [] : labelled.split("\n"))]);
    const tags = await this.ownImages(name);
    if (tags.length > 0) await remove("rmi", ...tags);
    // A second build of an image leaves the first without its tag.
    const untagged = await this.docker("images", "--quiet", `--filter=label=${e2eLabel}=${name}`);
    if (untagged !== "") await remove("rmi", ...new Set(untagged.split("\n")));
  }

  /** From its first line on what a Dockerfile makes is this factory's: Docker's cache has nothing of it that others build. */
  label(dockerfile: string): void {
    const file = join(this.directory, dockerfile);
    const label = `LABEL ${e2eLabel}=${this.name} ${e2eLabel}.file=${dockerfile}`;
    writeFileSync(file, readFileSync(file, "utf8").replace("FROM scratch", `FROM scratch\n${label}`));
  }

  /** The environment in which its commands run. */
  environment(): Record<string, string | undefined> {
    return { ...process.env, NO_COLOR: "1", ...this.ownState() };
  }

  /** Whatever backend the caller uses: this factory's state lies in its own copy of the project. */
  private ownState(): Record<string, string | undefined> {
    return {
      PULUMI_BACKEND_URL: undefined,
      PULUMI_CONFIG_PASSPHRASE: undefined,
      PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
      [watchVariable]: this.watchSeconds,
      PULUMI_CREDENTIALS_PATH: join(this.directory, ".factory", "no-login"),
    };
  }

  private async run(file: string, args: string[], env: Record<string, string> = {}, input = ""): Promise<Outcome> {
    const started = performance.now();
    const { exitCode, stdout, stderr, all } = await execa(file, args, {
      cwd: this.directory,
      env: { NO_COLOR: "1", ...this.ownState(), ...env },
      all: true,
      ...(input === "" ? { stdin: "ignore" } : { input }),
      reject: false,
    });
    return { exitCode: exitCode ?? -1, stdout, stderr, all, duration: (performance.now() - started) / 1000 };
  }
}

/** Lays emptiness over the whole checkout but `.factory/`, where Node and Pulumi's programs may lie, for one command. */
const hideCheckout = `
set -e
for entry in "$1"/* "$1"/.[!.]*; do
  case $entry in */.factory) continue ;; esac
  if [ -d "$entry" ]; then mount -t tmpfs none "$entry"; else mount --bind /dev/null "$entry"; fi
done
shift
exec "$@"`;

export const e2eLabel = "io.disinto.e2e";

const onHost = { DOCKER_HOST: dockerHost };

/** A copy of the project as git sees it, uncommitted files too, with the fixture images beside it. */
async function copyProject(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "factory-e2e-"));
  const { stdout } = await execa("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: project,
  });
  for (const file of stdout.split("\0").filter((name) => name !== "" && existsSync(join(project, name)))) {
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    cpSync(join(project, file), join(directory, file));
  }
  symlinkSync(join(project, "node_modules"), join(directory, "node_modules"));
  writeFileSync(join(directory, ".gitignore"), "node_modules\n.factory\n");
  writeTinyImages(join(directory, "tiny"));
  return directory;
}

function writeTinyImages(directory: string): void {
  cpSync(join(import.meta.dirname, "fixtures/tiny"), directory, { recursive: true });
  cpSync(staticBusybox(), join(directory, "busybox"));
}

export function staticBusybox(): string {
  const found = ["/bin/busybox", "/usr/bin/busybox"].find((file) => existsSync(file));
  if (found === undefined) throw new Error("no busybox here: ./factory test installs it (Debian: busybox-static)");
  return found;
}

/**
 * A port of this machine that nobody uses. It is below those that connections are given by themselves (from 32768 on): a factory that
 * is down for a while, or a registry, finds it free again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (await isFree(port)) return port;
  }
}

async function freePorts(): Promise<[number, number]> {
  const first = await freePort();
  for (;;) {
    const second = await freePort();
    if (second !== first) return [first, second];
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
