import { vi } from "vitest";
import { UserError } from "../../contract/user-error.ts";
import type { Answer } from "../../host/docker.ts";

/** A container of the fake host. */
export interface FakeContainer {
  id: string;
  name: string;
  /** ID of its image. */
  image: string;
  status: "created" | "running" | "restarting" | "exited" | "dead";
  exitCode: number;
  outOfMemory: boolean;
  startedAt: Date;
  restartCount: number;
  /** Absent without a health check; `outputs` are what its last runs said. */
  health?: { status: "starting" | "healthy" | "unhealthy"; outputs: string[] };
  healthcheck?: Healthcheck;
  labels: Record<string, string>;
  mounts: { Type: string; Name?: string; Destination: string; RW: boolean }[];
  network: string;
  pids?: number;
  logs: string[];
}

/** A health check as Docker keeps it; times in nanoseconds. */
interface Healthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  Retries?: number;
}

interface FakeImage {
  id: string;
  tags: string[];
  digests: string[];
  labels: Record<string, string> | null;
  healthcheck?: Healthcheck;
  /** Its VOLUME paths. */
  volumes: string[];
}

interface FakeNetwork {
  id: string;
  name: string;
  labels: Record<string, string>;
}

interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** What `docker run` may be given here. Data, secrets and ports are not among it. */
const runOptions = [
  "--detach",
  "--name",
  "--network",
  "--cap-drop",
  "--cap-add",
  "--security-opt",
  "--memory",
  "--memory-swap",
  "--pids-limit",
  "--label",
  "--env",
];

const done = (...lines: string[]): Outcome => ({ exitCode: 0, stdout: lines.join("\n"), stderr: "" });
const refused = (stderr: string): Outcome => ({ exitCode: 1, stdout: "", stderr });

/** Of what these tests wait for, nothing takes as long. */
const longestWait = 24 * 60 * 60 * 1000;

/** A Docker host in memory, with a clock that only sleeps move. It refuses to guess: a command it does not know is an error of the test. */
class FakeHost {
  containers: FakeContainer[] = [];
  images: FakeImage[] = [];
  networks: FakeNetwork[] = [];
  /** Names. */
  volumes: string[] = [];
  /** The docker commands it was given, besides `inspect`. */
  commands: string[] = [];
  /** What programs in the containers answer; undefined where they do not within the time. */
  exec: (container: FakeContainer, command: string[]) => Answer | undefined = (_, command) => {
    throw new Error(`nobody said what ${command.join(" ")} answers`);
  };
  /** What becomes of a container that `docker run` has started. */
  started: (container: FakeContainer) => void = () => {};
  /** Names of containers that cannot be started, with what Docker says then. */
  startErrors: Record<string, string> = {};
  private changes: { at: number; change: () => void }[] = [];
  private begin = 0;
  private ids = 0;

  /** An empty host, at noon. */
  reset(): void {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-23T12:00:00Z") });
    Object.assign(this, new FakeHost(), { begin: Date.now() });
  }

  /** Seconds since {@link reset}. */
  get seconds(): number {
    return (Date.now() - this.begin) / 1000;
  }

  /** Changes something, so many seconds after {@link reset}. */
  at(seconds: number, change: () => void): void {
    this.changes.push({ at: this.begin + seconds * 1000, change });
  }

  /** Time goes by, and what was to change by then has changed. */
  sleep(milliseconds: number): void {
    const now = Date.now() + milliseconds;
    if (now - this.begin > longestWait) throw new Error(`still waiting after ${this.seconds} s`);
    const due = this.changes.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    this.changes = this.changes.filter(({ at }) => at > now);
    for (const { at, change } of due) {
      vi.setSystemTime(at);
      change();
    }
    vi.setSystemTime(now);
  }

  /** A container that runs, unless it is said otherwise. */
  container(name: string, given: Partial<FakeContainer> = {}): FakeContainer {
    const container: FakeContainer = {
      id: this.newId("container"),
      name,
      image: "sha256:image",
      status: "running",
      exitCode: 0,
      outOfMemory: false,
      startedAt: new Date(),
      restartCount: 0,
      labels: {},
      mounts: [],
      network: "bridge",
      logs: [],
      ...given,
    };
    this.containers.push(container);
    return container;
  }

  image(id: string, given: Partial<FakeImage> = {}): FakeImage {
    const image: FakeImage = { id, tags: [], digests: [], labels: {}, volumes: [], ...given };
    this.images.push(image);
    return image;
  }

  network(name: string, given: Partial<FakeNetwork> = {}): FakeNetwork {
    const network = { id: this.newId("network"), name, labels: {}, ...given };
    this.networks.push(network);
    return network;
  }

  run(args: string[], input = ""): Outcome {
    this.commands.push(args.join(" "));
    const [command = "", ...rest] = args;
    const words = rest.filter((word) => !word.startsWith("--"));
    const options = rest.filter((word) => word.startsWith("--"));
    switch (command === "image" || command === "network" ? `${command} ${rest[0]}` : command) {
      case "run":
        return this.start(rest);
      case "start":
        only(options);
        return this.each(words, (container) => {
          const error = this.startErrors[container.name];
          if (error !== undefined) return error;
          Object.assign(container, { status: "running", startedAt: new Date() });
        });
      case "stop":
        only(options);
        return this.each(words, (container) => {
          container.status = "exited";
        });
      case "update":
        only(options, "--pids-limit");
        return this.each(words, (container) => {
          container.pids = Number(value(options, "--pids-limit"));
        });
      case "rm":
        only(options, "--force", "--volumes");
        return this.each(words, (container) => this.remove(container, options));
      case "logs": {
        only(options, "--tail");
        const container = this.findContainer(words[0]);
        if (container === undefined) return refused(`Error response from daemon: No such container: ${words[0]}`);
        return done(...container.logs.slice(-Number(value(options, "--tail"))));
      }
      case "build":
        return this.build(rest, input);
      case "tag":
        return this.tag(words);
      case "rmi":
        only(options);
        return this.removeImages(words);
      case "image ls": {
        only(options, "--quiet", "--no-trunc", "--filter");
        const wanted = options.flatMap((option) => /^--filter=reference=(.*)$/.exec(option)?.[1] ?? []);
        const rows = this.images.flatMap(({ id, tags }) =>
          tags.filter((tag) => wanted.includes(tag.replace(/:[^:/]*$/, ""))).map(() => id),
        );
        return done(...rows);
      }
      case "image inspect":
        return done(JSON.stringify(this.inspect("image", words.slice(1))));
      case "network ls": {
        only(options, "--quiet", "--no-trunc", "--filter");
        const name = options.flatMap((option) => /^--filter=name=\^(.*)\$$/.exec(option)?.[1] ?? [])[0];
        const labels = options.flatMap((option) => /^--filter=label=(.*)$/.exec(option)?.[1] ?? []);
        const fits = (network: FakeNetwork) =>
          network.name === name && labels.every((label) => pairs(network.labels).includes(label));
        return done(...this.networks.filter(fits).map(({ id }) => id));
      }
      case "network rm":
        only(options);
        this.networks = this.networks.filter(({ id, name }) => !words.includes(id) && !words.includes(name));
        return done();
      default:
        throw new Error(`the fake host does not know: docker ${args.join(" ")}`);
    }
  }

  inspect(kind: "container" | "image" | "network" | "volume", names: string[]): unknown[] {
    const one = (name: string): unknown => {
      const container = this.findContainer(name);
      const image = this.findImage(name);
      const network = this.networks.find((network) => network.id === name || network.name === name);
      const found = {
        container: container && inspectedContainer(container),
        image: image && inspectedImage(image),
        network: network && { Id: network.id, Name: network.name, Labels: network.labels },
        volume: this.volumes.includes(name) ? { Name: name } : undefined,
      };
      return found[kind];
    };
    return names.map(one).filter((found) => found !== undefined);
  }

  /** A program in a container is asked; no answer takes all the time there is. */
  ask(args: string[], withinSeconds: number): Answer {
    if (args[0] !== "exec") {
      const { exitCode, stdout, stderr } = this.run(args);
      return { exitCode, output: `${stdout}${stderr}`.trim() };
    }
    this.commands.push(args.join(" "));
    const [, name, ...command] = args;
    const container = this.findContainer(name);
    if (container?.status !== "running") return { exitCode: 1, output: `container ${name} is not running` };
    const answer = this.exec(container, command);
    if (answer === undefined) this.sleep(withinSeconds * 1000);
    return answer ?? { exitCode: undefined, output: "" };
  }

  private newId(kind: string): string {
    this.ids += 1;
    return `${kind}-${this.ids}`;
  }

  private findContainer(name: string | undefined): FakeContainer | undefined {
    return this.containers.find((container) => container.id === name || container.name === name);
  }

  private findImage(name: string): FakeImage | undefined {
    return this.images.find(({ id, tags, digests }) => [id, ...tags, ...digests].includes(name));
  }

  /** Does something to each of the containers; what it answers is Docker's refusal. */
  private each(names: string[], change: (container: FakeContainer) => string | undefined): Outcome {
    const errors = names.flatMap((name) => {
      const container = this.findContainer(name);
      return (container === undefined ? `No such container: ${name}` : change(container)) ?? [];
    });
    return errors.length === 0 ? done(...names) : refused(`Error response from daemon: ${errors.join("\n")}`);
  }

  private remove(container: FakeContainer, options: string[]): string | undefined {
    if (container.status === "running" && !options.includes("--force")) return "cannot remove container: is running";
    this.containers = this.containers.filter((other) => other !== container);
    if (!options.includes("--volumes")) return undefined;
    const anonymous = container.mounts.flatMap(({ Name = "" }) => (/^[0-9a-f]{64}$/.test(Name) ? [Name] : []));
    this.volumes = this.volumes.filter((name) => !anonymous.includes(name));
  }

  private start(rest: string[]): Outcome {
    const options = rest.slice(0, -1);
    only(options, ...runOptions);
    const name = value(options, "--name");
    const network = value(options, "--network");
    const image = this.findImage(rest.at(-1) ?? "");
    if (this.findContainer(name) !== undefined) return refused(`Conflict. The container name "/${name}" is in use`);
    if (image === undefined) return refused(`Unable to find image '${rest.at(-1)}' locally`);
    const isThere = ["none", "bridge", "host"].includes(network) || this.networks.some((one) => one.name === network);
    if (!isThere) return refused(`network ${network} not found`);
    const mounts = image.volumes.map((path) => {
      const anonymous = String(this.volumes.length).padStart(64, "0");
      this.volumes.push(anonymous);
      return { Type: "volume", Name: anonymous, Destination: path, RW: true };
    });
    const container = this.container(name, {
      image: image.id,
      network,
      mounts,
      labels: { ...image.labels, ...labelsIn(options) },
    });
    if (image.healthcheck !== undefined) {
      Object.assign(container, { healthcheck: image.healthcheck, health: { status: "starting", outputs: [] } });
    }
    const error = this.startErrors[name];
    if (error !== undefined) {
      container.status = "created";
      return refused(`docker: Error response from daemon: ${error}`);
    }
    this.started(container);
    return done(container.id);
  }

  private build(rest: string[], dockerfile: string): Outcome {
    only(rest, "--quiet", "--force-rm", "-");
    const [, from = "", options = "", command = ""] =
      /^FROM (\S+)\nHEALTHCHECK (--.*) CMD (\[.*\])\n$/.exec(dockerfile) ?? [];
    const base = this.findImage(from);
    if (base === undefined) throw new Error(`the fake host cannot build:\n${dockerfile}`);
    const seconds = (name: string) => Number(new RegExp(`--${name}=(\\d+)`).exec(options)?.[1]);
    const healthcheck = {
      Test: ["CMD", ...(JSON.parse(command) as string[])],
      Interval: seconds("interval") * 1e9,
      Timeout: seconds("timeout") * 1e9,
      StartPeriod: seconds("start-period") * 1e9,
      Retries: seconds("retries"),
    };
    const id = `sha256:${this.newId("built")}`;
    this.image(id, { labels: base.labels, volumes: base.volumes, healthcheck });
    return done(id);
  }

  private tag([id = "", tag = ""]: string[]): Outcome {
    const image = this.findImage(id);
    if (image === undefined) return refused(`Error response from daemon: No such image: ${id}`);
    image.tags.push(tag);
    return done();
  }

  /** Takes names away; an image goes with its last one, which it keeps while a container uses it. */
  private removeImages(names: string[]): Outcome {
    const errors = names.flatMap((name) => {
      const image = this.findImage(name);
      if (image === undefined) return [`No such image: ${name}`];
      const others = [...image.tags, ...image.digests].filter((other) => other !== name);
      const user = this.containers.find((container) => container.image === image.id);
      if (others.length === 0 && user !== undefined) return [`conflict: container ${user.id} is using ${name}`];
      if (image.id === name && others.length > 1) return [`conflict: ${name} is referenced in multiple repositories`];
      image.tags = image.tags.filter((tag) => tag !== name);
      image.digests = image.digests.filter((digest) => digest !== name);
      if (others.length === 0 || image.id === name) this.images = this.images.filter((other) => other !== image);
      return [];
    });
    return errors.length === 0 ? done() : refused(errors.join("\n"));
  }
}

/** Options that nobody foresaw are an error of the test. */
function only(options: string[], ...known: string[]): void {
  const unknown = options.filter((option) => !known.includes(option.replace(/=.*$/s, "")));
  if (unknown.length > 0) throw new Error(`the fake host does not know the option ${unknown.join(", ")}`);
}

function value(options: string[], name: string): string {
  return options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

function labelsIn(options: string[]): Record<string, string> {
  const labels = options.filter((option) => option.startsWith("--label=")).map((option) => option.slice(8).split("="));
  return Object.fromEntries(labels.map(([key = "", ...text]) => [key, text.join("=")]));
}

function pairs(labels: Record<string, string>): string[] {
  return Object.entries(labels).map((label) => label.join("="));
}

function inspectedContainer(container: FakeContainer) {
  const { health, startedAt } = container;
  return {
    Id: container.id,
    Name: `/${container.name}`,
    Image: container.image,
    Created: startedAt.toISOString(),
    RestartCount: container.restartCount,
    State: {
      Status: container.status,
      Running: ["running", "restarting"].includes(container.status),
      ExitCode: container.exitCode,
      OOMKilled: container.outOfMemory,
      StartedAt: container.status === "created" ? "0001-01-01T00:00:00Z" : startedAt.toISOString(),
      ...(health === undefined
        ? {}
        : { Health: { Status: health.status, Log: health.outputs.map((Output) => ({ Output })) } }),
    },
    Config: { Labels: container.labels, Healthcheck: container.healthcheck },
    HostConfig: { NetworkMode: container.network, PidsLimit: container.pids ?? null },
    Mounts: container.mounts,
  };
}

function inspectedImage({ id, tags, digests, labels, healthcheck, volumes }: FakeImage) {
  return {
    Id: id,
    RepoTags: tags,
    RepoDigests: digests,
    Config: {
      Labels: labels,
      Healthcheck: healthcheck,
      Volumes: volumes.length === 0 ? null : Object.fromEntries(volumes.map((path) => [path, {}])),
    },
  };
}

/** The host of a test file; `beforeEach(() => host.reset())`. */
export const host = new FakeHost();

/** Its address. */
export const address = "unix:///fake/docker.sock";

/** In place of host/docker.ts. */
export const dockerCommands = {
  async docker(at: string, args: string[], input?: string): Promise<string> {
    requireAddress(at);
    const { exitCode, stdout, stderr } = host.run(args, input);
    if (exitCode !== 0) throw new UserError("docker-failed", `docker ${args[0]} failed on ${at}:\n${stderr}`);
    return stdout;
  },
  async ask(at: string, args: string[], withinSeconds: number): Promise<Answer> {
    requireAddress(at);
    return host.ask(args, withinSeconds);
  },
  async dockerTry(at: string, args: string[]): Promise<void> {
    requireAddress(at);
    host.run(args);
  },
  async inspect(at: string, kind: "container" | "image" | "network" | "volume", names: string[]): Promise<unknown[]> {
    requireAddress(at);
    return host.inspect(kind, names);
  },
};

/** In place of node:timers/promises. */
export const timers = {
  async setTimeout<T>(milliseconds: number, result?: T): Promise<T | undefined> {
    host.sleep(milliseconds);
    return result;
  },
};

/** There is one Docker host. */
function requireAddress(at: string): void {
  if (at !== address) throw new Error(`nobody has a Docker host at ${at}`);
}
