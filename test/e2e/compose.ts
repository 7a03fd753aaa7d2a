import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { findOnPath } from "../../lib/run.ts";
import { writeDirectory, writeEnvFile } from "./compose-directory.ts";
import { importBusybox, Places, type Sources } from "./data.ts";
import { dockerHost, e2eLabel, freePort } from "./harness.ts";
import type { TestRegistry } from "./registry.ts";

/** What kind of deployment a test wants. */
export interface ComposeOptions {
  compose: "v1" | "v2";
  /** Images that are built from a context in the directory, or pulled from a registry that has them already. @default built */
  pulled?: { registry: TestRegistry; version: string };
  /** Where the data of agents and edge lies: `anonymous` is no mount over the VOLUME paths. @default "volumes" */
  data?: "volumes" | "directories" | "anonymous";
  /** Compose's project name. @default the directory's name */
  projectName?: string;
  /** The volumes have names of their own: `<volumePrefix>_agent-data`; begins with `e2e-`. @default compose's names */
  volumePrefix?: string;
  /** Names of hired agents, each a service `agents-<name>`. */
  hired?: string[];
  /** More lines of .env, which the agents get too. */
  variables?: Record<string, string>;
}

/** A service's containers as far as they exist. */
interface Identity {
  id: string;
  startedAt: string;
}

/** A docker compose deployment of a factory, like disinto generates it, of tiny images; the forge and the like are stand-ins. */
export class ComposeDeployment {
  /** `e2e-<hex>`, the directory's name too. */
  readonly name: string;
  readonly directory: string;
  readonly project: string;
  readonly forgePort: number;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Of .env, where the agents have it from. */
  readonly forgeToken = `canary${randomBytes(12).toString("hex")}`;
  readonly options: ComposeOptions;
  private readonly outside: string;
  private anonymous: string[] = [];

  private constructor(options: ComposeOptions, [forgePort, httpPort, httpsPort]: [number, number, number]) {
    this.name = `e2e-${randomBytes(4).toString("hex")}`;
    this.outside = mkdtempSync(join(tmpdir(), "factory-compose-"));
    this.directory = join(this.outside, this.name);
    this.project = options.projectName ?? this.name;
    this.options = options;
    this.forgePort = forgePort;
    this.httpPort = httpPort;
    this.httpsPort = httpsPort;
  }

  /** Writes the directory; nothing is started. */
  static async create(options: ComposeOptions): Promise<ComposeDeployment> {
    const ports = new Set<number>();
    while (ports.size < 3) ports.add(await freePort());
    const deployment = new ComposeDeployment(options, [...ports] as [number, number, number]);
    writeDirectory(deployment);
    return deployment;
  }

  /** The image of the stand-ins and of the data's scripts. */
  get busybox(): string {
    return `${this.name}/busybox:dev`;
  }

  /** What finds this compose and no other, and the login of the registry; for `./factory migrate` too. */
  get environment(): { DOCKER_CONFIG: string; DOCKER_HOST: string } {
    return { DOCKER_CONFIG: join(this.outside, "docker"), DOCKER_HOST: dockerHost };
  }

  /** Runs compose in the directory, and returns what it prints. */
  async compose(...args: string[]): Promise<string> {
    const [file, ...first] = this.options.compose === "v1" ? ["docker-compose"] : ["docker", "compose"];
    const env = { ...this.environment, DOCKER_BUILDKIT: "0" };
    return (await execa(file, [...first, ...args], { cwd: this.directory, env, stdin: "ignore" })).stdout;
  }

  /** Starts the services that run, and waits until the agents are healthy. */
  async up(): Promise<void> {
    await importBusybox(this.busybox);
    await this.compose("up", "--detach", ...(this.options.pulled === undefined ? ["--build"] : []));
    const [agents] = await this.containers("agents");
    const deadline = Date.now() + 120_000;
    while ((await this.inspect("{{.State.Health.Status}}", agents?.id ?? "")) !== "healthy") {
      if (Date.now() > deadline) throw new Error(`the agents of ${this.name} do not become healthy`);
      await sleep(300);
    }
    const ids = (await this.containers()).map(({ id }) => id);
    const names = await this.inspect("{{range .Mounts}}{{.Name}}\n{{end}}", ...ids);
    this.anonymous = names.split("\n").filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  /** A service's containers, or everybody's, stopped ones too. */
  async containers(service?: string): Promise<Identity[]> {
    const filters = [`--filter=label=com.docker.compose.project=${this.project}`];
    if (service !== undefined) filters.push(`--filter=label=com.docker.compose.service=${service}`);
    const ids = await this.docker("ps", "--all", "--quiet", "--no-trunc", ...filters);
    if (ids === "") return [];
    const lines = await this.inspect("{{.Id}} {{.State.StartedAt}}", ...ids.split("\n"));
    return lines.split("\n").map((line) => {
      const [id = "", startedAt = ""] = line.split(" ");
      return { id, startedAt };
    });
  }

  /** The forge's container: whether it is the same, and was not restarted. */
  async forge(): Promise<Identity> {
    const [forge] = await this.containers("forgejo");
    if (forge === undefined) throw new Error(`${this.name} has no forge`);
    return forge;
  }

  /** Where the data lies now, by the factory's names of its volumes; those of hired agents as compose names them. */
  async sources(): Promise<Sources> {
    const targets = {
      agents: {
        "/home/agent/data": "agent-data",
        "/home/agent/repos": "project-repos",
        "/home/agent/disinto/state": "state",
      },
      edge: { "/data": "caddy_data" },
      ...Object.fromEntries((this.options.hired ?? []).map((name) => [`agents-${name}`, hiredTargets(name)])),
    };
    const sources: Sources = { projects: join(this.directory, "projects") };
    for (const [service, names] of Object.entries(targets)) {
      const [container] = await this.containers(service);
      const mounts = JSON.parse(await this.inspect("{{json .Mounts}}", container?.id ?? ""));
      for (const { Type, Name, Source, Destination } of mounts) {
        const name = (names as Record<string, string>)[Destination];
        if (name !== undefined) sources[name] = Type === "volume" ? Name : Source;
      }
    }
    return sources;
  }

  /** Writes data of several owners and modes into every place that has data of the factory. */
  async writeData(): Promise<Places> {
    return Places.write(this.busybox, await this.sources());
  }

  /** Writes secrets/NAME.enc, encrypted with a key for SOPS_AGE_KEY_FILE, which it returns. */
  async encrypt(name: string, value: string): Promise<string> {
    const key = join(this.outside, "keys.txt");
    await execa("age-keygen", ["-o", key], { reject: false });
    const recipient = (await execa("age-keygen", ["-y", key])).stdout;
    mkdirSync(join(this.directory, "secrets"), { recursive: true });
    await execa("age", ["-r", recipient, "-o", join(this.directory, "secrets", `${name}.enc`)], { input: value });
    return key;
  }

  /** Changes lines of .env; nothing is applied. */
  setVariables(variables: Record<string, string>): void {
    writeEnvFile(this, variables);
  }

  /** A PATH on which there is a docker command, and no compose of its own. */
  pathWithoutCompose(): string {
    const bin = join(this.outside, "bin");
    mkdirSync(bin, { recursive: true });
    const docker = findOnPath("docker", process.env.PATH) ?? "docker";
    const refused = 'if [ "$1" = compose ]; then exit 1; fi';
    writeFileSync(join(bin, "docker"), `#!/bin/sh\n${refused}\nexec ${docker} "$@"\n`, { mode: 0o755 });
    return bin;
  }

  /** What is on the host of it. */
  async leftovers(): Promise<string[]> {
    const found = [
      ...(await this.list("ps", "--all", "--format={{.Names}}", this.label)),
      ...(await this.list("network", "ls", "--format={{.Name}}", this.label)),
      ...(await this.list("images", "--quiet", `--filter=label=${e2eLabel}=${this.name}`)),
      ...(await this.volumes()),
    ];
    return [...new Set(found)];
  }

  /** Removes its containers, networks, volumes, images and directory, and nothing else. */
  async dispose(): Promise<void> {
    const remove = async (args: string[], names: string[]) => {
      if (names.length === 0) return;
      await execa("docker", [...args, ...new Set(names)], { env: this.environment, reject: false });
    };
    await remove(["rm", "--force", "--volumes"], await this.list("ps", "--all", "--quiet", this.label));
    await remove(["network", "rm"], await this.list("network", "ls", "--quiet", this.label));
    await remove(["volume", "rm"], await this.volumes());
    const built = await this.list("images", "--quiet", `--filter=label=${e2eLabel}=${this.name}`);
    await remove(["rmi", "--force"], [...built, this.busybox]);
    this.removeDirectory();
  }

  removeDirectory(): void {
    rmSync(this.outside, { recursive: true, force: true });
  }

  private get label(): string {
    return `--filter=label=com.docker.compose.project=${this.project}`;
  }

  /** By compose's label, by name, and those that nobody named. */
  private async volumes(): Promise<string[]> {
    const prefixes = [this.project, this.options.volumePrefix ?? this.project];
    const all = await this.list("volume", "ls", "--quiet");
    const own = all.filter(
      (name) => this.anonymous.includes(name) || prefixes.some((prefix) => name.startsWith(`${prefix}_`)),
    );
    return [...new Set([...own, ...(await this.list("volume", "ls", "--quiet", this.label))])];
  }

  private async list(...args: string[]): Promise<string[]> {
    return (await this.docker(...args)).split("\n").filter((line) => line !== "");
  }

  private inspect(format: string, ...ids: string[]): Promise<string> {
    return this.docker("container", "inspect", `--format=${format}`, ...ids);
  }

  private async docker(...args: string[]): Promise<string> {
    return (await execa("docker", args, { env: this.environment })).stdout.trim();
  }
}

function hiredTargets(name: string): Record<string, string> {
  return { "/home/agent/data": `agents-${name}-data`, "/home/agent/repos": `project-repos-${name}` };
}
