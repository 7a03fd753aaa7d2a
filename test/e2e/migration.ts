import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { componentNames, hiredComponent, type ImageName, imageNames, labelKeys } from "../../contract/names.ts";
import { ComposeDeployment, type ComposeOptions } from "./compose.ts";
import type { Places, Sources } from "./data.ts";
import { execa } from "./execa.ts";
import { dockerHost, type Outcome, TestFactory } from "./harness.ts";
import { killAll, runUntil } from "./processes.ts";
import type { TestRegistry } from "./registry.ts";

/** A registry that has the fixtures as version v0.1.1. */
export async function pushRelease(registry: TestRegistry, version = "v0.1.1", behaviour = "ok"): Promise<void> {
  for (const image of imageNames) {
    const ofAgents: ImageName = "agents";
    await registry.push(image, version, "1", { behaviour: image === ofAgents ? behaviour : "ok" });
  }
}

/** A compose deployment with data, and the factory command that migrates it to stack `test`. */
export class Migration {
  readonly deployment: ComposeDeployment;
  readonly factory: TestFactory;
  readonly data: Places;
  private readonly registry: TestRegistry;
  private readonly old: Identified[];

  private constructor(
    deployment: ComposeDeployment,
    factory: TestFactory,
    data: Places,
    registry: TestRegistry,
    old: Identified[],
  ) {
    this.deployment = deployment;
    this.factory = factory;
    this.data = data;
    this.registry = registry;
    this.old = old;
  }

  /** Starts the deployment, with data in all its places. */
  static async prepare(registry: TestRegistry, options: ComposeOptions): Promise<Migration> {
    const deployment = await ComposeDeployment.create(options);
    await deployment.up();
    const data = await deployment.writeData();
    const factory = await TestFactory.create();
    rmSync(join(factory.directory, `Pulumi.${factory.stack}.yaml`));
    return new Migration(deployment, factory, data, registry, await identify(deployment));
  }

  /** What `./factory migrate` needs in its environment. */
  get environment(): Record<string, string> {
    const { caBundle, password } = this.registry;
    return { ...this.deployment.environment, SSL_CERT_FILE: caBundle, REGISTRY_READ_TOKEN: password };
  }

  /** The flags for the version of the registry. */
  get flags(): string[] {
    return this.flagsFor("v0.1.1");
  }

  flagsFor(version: string): string[] {
    const { server, namespace, username } = this.registry;
    const { directory } = this.deployment;
    const snapshots = join(directory, "..", "snapshots");
    return [
      ...["--from", directory, "--release", version, "--registry", `${server}/${namespace}`],
      ...["--registry-user", username, "--snapshots", snapshots],
    ];
  }

  async migrate(...args: string[]): Promise<Outcome> {
    const outcome = await this.factory.factory("migrate", args, this.environment);
    for (const secret of [this.deployment.forgeToken, this.registry.password])
      expect(outcome.all).not.toContain(secret);
    return outcome;
  }

  /** @param flags besides those of the version */
  async apply(...flags: string[]): Promise<void> {
    const outcome = await this.migrate(...this.flags, ...flags, "--apply", "--yes");
    expect(outcome.exitCode, outcome.all).toBe(0);
  }

  async undo(): Promise<Outcome> {
    const outcome = await this.migrate("--undo");
    expect(outcome.exitCode, outcome.all).toBe(0);
    return outcome;
  }

  /** Starts it, and kills all that it has started as soon as it has printed `moment`. */
  async killAt(moment: RegExp, ...args: string[]): Promise<void> {
    await this.doAt(moment, args, (group) => killAll(this.factory, group));
  }

  /** Ctrl-C at `moment`. @returns what it printed */
  async interruptAt(moment: RegExp): Promise<string> {
    return this.doAt(moment, [], (group) => process.kill(-group, "SIGINT"));
  }

  private async doAt(moment: RegExp, args: string[], act: (group: number) => unknown): Promise<string> {
    const all = args.length > 0 ? args : [...this.flags, "--apply", "--yes"];
    return (await runUntil(this.factory, ["migrate", ...all], moment, act, this.environment)).all;
  }

  /** Containers of the factory on the host, helpers and canaries too. */
  async leftovers(): Promise<string[]> {
    const filter = `--filter=label=${labelKeys.factory}=${this.deployment.project}`;
    const names = await this.factory.docker("ps", "--all", "--format={{.Names}}", filter);
    return names.split("\n").filter((name) => name !== "");
  }

  /** The old containers run as they did at first, be it since another time; the rest was never restarted. */
  async expectOld(): Promise<void> {
    const now = await identify(this.deployment);
    const withoutTimes = (list: Identified[]) => list.map(({ startedAt: _, ...rest }) => rest);
    expect(withoutTimes(now)).toEqual(withoutTimes(this.old));
    await this.expectUndisturbed();
  }

  /** Forge, CI and staging are the same containers, and ran all the time. */
  async expectUndisturbed(): Promise<void> {
    const others = (list: Identified[]) => list.filter(({ service }) => standIns.includes(service));
    const now = await identify(this.deployment);
    expect(others(now)).toEqual(others(this.old));
    expect(others(now)).toHaveLength(standIns.length);
  }

  /** The deployment runs, none of its containers was touched since the beginning. */
  async expectUntouched(): Promise<void> {
    expect(await identify(this.deployment)).toEqual(this.old);
  }

  /** The factory's agents and edge are healthy, and a second `up` says so of everything. */
  async expectFactory(): Promise<void> {
    const { project } = this.deployment;
    const services = ["agents", "edge", ...(this.deployment.options.hired ?? []).map(hiredComponent)];
    const format = "{{.State.Health.Status}}";
    const names = services.map((service) => `${project}-${service}`);
    const states = await this.factory.docker("container", "inspect", `--format=${format}`, ...names);
    expect(states.split("\n")).toEqual(services.map(() => "healthy"));
    const again = await this.factory.factory("up", ["--yes"], this.environment);
    expect(again.all).toContain(`Factory ${project}: no changes.`);
    await this.expectUndisturbed();
  }

  /** The data of the old places, each where the factory has it; what was root's is the agents' where it was copied. */
  async expectData(): Promise<void> {
    const { project } = this.deployment;
    const elsewhere = Object.fromEntries(Object.keys(this.data.sources).map((key) => [key, `${project}_${key}`]));
    await this.data.expectFiles(elsewhere, this.copied());
  }

  /** The data where compose has it, after an undo. A place that the factory has written to has what it made of it. */
  async expectDataBack(written: string[] = ["agent-data", "state"]): Promise<void> {
    const copied = this.copied();
    await this.data.expectFiles(
      {},
      written.filter((key) => copied.includes(key)),
    );
  }

  /** Places of agents that are copied, and not adopted by name. */
  private copied(): string[] {
    const { project } = this.deployment;
    const sources: Sources = this.data.sources;
    return Object.keys(sources).filter((key) => key !== "caddy_data" && sources[key] !== `${project}_${key}`);
  }

  async dispose(): Promise<void> {
    const { project } = this.deployment;
    const names = [...componentNames, ...(this.deployment.options.hired ?? []).map(hiredComponent)];
    const containers = [...names.map((name) => `${project}-${name}`), `${project}-migration`, `${project}-snapshot`];
    await execa("docker", ["rm", "--force", "--volumes", ...containers], {
      env: { DOCKER_HOST: dockerHost },
      reject: false,
    });
    await this.factory.dispose(project);
    await this.deployment.dispose();
    expect(await this.deployment.leftovers()).toEqual([]);
  }
}

const standIns = ["forgejo", "staging", "woodpecker"];

interface Identified {
  service: string;
  name: string;
  id: string;
  running: boolean;
  restart: string;
  startedAt: string;
}

/** The containers of a deployment as they are now, by service. */
async function identify(deployment: ComposeDeployment): Promise<Identified[]> {
  const { stdout: ids } = await execa(
    "docker",
    ["ps", "--all", "--quiet", "--no-trunc", `--filter=label=com.docker.compose.project=${deployment.project}`],
    { env: { DOCKER_HOST: dockerHost } },
  );
  const format =
    '{{index .Config.Labels "com.docker.compose.service"}} {{.Name}} {{.Id}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}} {{.State.StartedAt}}';
  const { stdout } = await execa("docker", ["container", "inspect", `--format=${format}`, ...ids.split("\n")], {
    env: { DOCKER_HOST: dockerHost },
  });
  const found = stdout.split("\n").map((line): Identified => {
    const [service = "", name = "", id = "", running = "", restart = "", startedAt = ""] = line.split(" ");
    return { service, name, id, running: running === "true", restart, startedAt };
  });
  return found.sort((one, other) => one.service.localeCompare(other.service));
}
