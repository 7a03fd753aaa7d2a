import { execa } from "execa";
import { labelKeys, snapshotContainerName, type VolumeKey, volumeName } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { confined, docker, inspect } from "../../host/docker.ts";
import type { Guard } from "../../host/guard.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { snapshotImage } from "../../setup/index.ts";
import { isLocal, type SnapshotStore } from "./store.ts";

/** What a helper container does, and what has to be put right should it be cut off: kept in its label. */
export type Operation =
  | { kind: "snapshot"; paused: string[] }
  | {
      kind: "restore";
      /** ID of the snapshot. */
      snapshot: string;
      volumes: VolumeKey[];
      /** ID of the snapshot of what was there before; undefined where nothing was. */
      before?: string;
      /** Containers that ran before. */
      stopped: string[];
    };

/** A helper container, as it is found on the host. */
export interface FoundHelper {
  id: string;
  /** Whether it is at work: it ends with the command that started it. */
  running: boolean;
  operation: Operation;
}

const component = "snapshot";
const passwordFile = "/run/snapshot/password";

/** Where a repository on the host lies in the helper. */
export const repositoryPath = "/repository";

/** Where the volumes lie in the helper. */
export const dataPath = "/v";

/** In front of a command that asks a server: restic itself would try for a quarter of an hour. */
export const promptly = ["timeout", "60"];

/** Files of any owner are read, and written as they were: nothing else. */
const capabilities = {
  read: ["DAC_READ_SEARCH"],
  // Without FSETID, restic could not set the setgid bit of another group's directory.
  write: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"],
};

// The input of `docker start` closes when that process ends, for whatever reason, and with it the helper.
const script = `umask 077; IFS= read -r password; printf %s "$password" > ${passwordFile}; echo ready; exec cat > /dev/null`;

export interface HelperArgs {
  operation: Operation;
  volumes: VolumeKey[];
  access: "read" | "write";
}

/** The container in which restic reaches the data volumes and the repository. */
export class Helper {
  readonly store: SnapshotStore;
  readonly id: string;
  readonly signal: AbortSignal;

  private constructor(store: SnapshotStore, id: string, signal: AbortSignal) {
    this.store = store;
    this.id = id;
    this.signal = signal;
  }

  /**
   * Makes the helper; only one of a factory exists at a time. The guard then has to plan its end, before it is started.
   * @throws UserError where another one is at work
   */
  static async create(store: SnapshotStore, args: HelperArgs, { signal }: Guard): Promise<Helper> {
    const name = snapshotContainerName(store.factory);
    const created = await run(store, [
      "create",
      "--interactive",
      "--name",
      name,
      "--hostname",
      name,
      ...options(store, args),
    ]);
    if (created.exitCode !== 0) throw explainCreate(store, created.stderr);
    return new Helper(store, created.stdout.trim(), signal);
  }

  /** Starts it, and gives it the password. */
  async start(): Promise<void> {
    const running = execa("docker", ["start", "--attach", "--interactive", this.id], {
      env: { DOCKER_HOST: this.store.host },
      detached: true,
      cancelSignal: this.signal,
      reject: false,
    });
    running.stdin.write(`${this.store.password}\n`);
    const ready = new Promise<true>((resolve) => running.stdout.once("data", () => resolve(true)));
    const outcome = await Promise.race([ready, running]);
    if (outcome !== true)
      throw new UserError("snapshot-failed", `The snapshot container does not start:\n${outcome.stderr}`);
  }

  /** Runs a command in it; `onLine` gets every line of its output as it comes. */
  async run(command: string[], { input = "", onLine }: { input?: string; onLine?: (line: string) => void } = {}) {
    const lines = function* (line: unknown) {
      onLine?.(String(line));
      yield line;
    };
    return run(this.store, ["exec", "--interactive", this.id, ...command], {
      input,
      stdout: lines,
      cancelSignal: this.signal,
    });
  }
}

/** The factory's helper, where there is one. */
export async function findHelper({ factory, host }: SnapshotStore): Promise<FoundHelper | undefined> {
  const [found] = await inspect<Inspected>(host, "container", [snapshotContainerName(factory)]);
  if (found === undefined) return undefined;
  const { Status } = found.State;
  // Between create and start there are milliseconds, unless something was killed there.
  const starting = Status === "created" && Date.now() - Date.parse(found.Created) < 60_000;
  return {
    id: found.Id,
    running: starting || !["created", "exited", "dead"].includes(Status),
    operation: JSON.parse(found.Config.Labels[labelKeys.operation] ?? "{}"),
  };
}

interface Inspected {
  Id: string;
  Created: string;
  State: { Status: string };
  Config: { Labels: Record<string, string> };
}

/** Asks restic something about the repository, in a container of its own that needs no lock and leaves nothing behind. */
export async function askRestic(store: SnapshotStore, question: string[]) {
  const labels = [`--label=${labelKeys.factory}=${store.factory}`, `--label=${labelKeys.component}=${component}`];
  const options = ["--no-lock", "--no-cache", "--json", "--password-file=/dev/stdin"];
  const command = [...promptly, "restic", ...options, ...question];
  const args = ["run", "--rm", "--interactive", ...labels, ...common(store, "read"), ...command];
  const outcome = await run(store, args, { input: `${store.password}\n` });
  // Docker's own, where there is no container to give an exit code.
  if (outcome.exitCode === 125) throw explainCreate(store, outcome.stderr);
  return outcome;
}

export function busy({ factory }: SnapshotStore): UserError {
  return new UserError(
    "snapshot-busy",
    `Another snapshot or restore of factory ${factory} is at work. Nothing was touched.\n` +
      `Try again once it is done; if none is: docker kill ${snapshotContainerName(factory)}`,
  );
}

function options(store: SnapshotStore, { operation, volumes, access }: HelperArgs): string[] {
  const labels = {
    [labelKeys.factory]: store.factory,
    [labelKeys.component]: component,
    [labelKeys.operation]: JSON.stringify(operation),
  };
  const mounts = volumes.map((key) => {
    const mount = `type=volume,src=${volumeName(store.factory, key)},dst=${dataPath}/${key},volume-nocopy`;
    return access === "read" ? `${mount},readonly` : mount;
  });
  return [
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...mounts.flatMap((mount) => ["--mount", mount]),
    "--tmpfs=/run/snapshot:mode=0700",
    `--env=RESTIC_PASSWORD_FILE=${passwordFile}`,
    "--env=RESTIC_PROGRESS_FPS=1",
    ...common(store, access),
    "sh",
    "-c",
    script,
  ];
}

/** What every container with restic in it has, its image last. */
function common(store: SnapshotStore, access: HelperArgs["access"]): string[] {
  const where = isLocal(store)
    ? ["--network=none", "--mount", `type=bind,src=${store.repository},dst=${repositoryPath}`]
    : [];
  return [
    ...confined,
    ...capabilities[access].map((name) => `--cap-add=${name}`),
    `--env=RESTIC_REPOSITORY=${isLocal(store) ? repositoryPath : store.repository}`,
    ...where,
    snapshotImage(),
  ];
}

interface RunOptions {
  input?: string;
  stdout?: (line: unknown) => Generator<unknown>;
  cancelSignal?: AbortSignal;
}

async function run({ host }: SnapshotStore, args: string[], options: RunOptions = {}) {
  // Detached: Ctrl-C is for this process alone, which then ends what it started.
  const common = { env: { DOCKER_HOST: host }, detached: true, reject: false } as const;
  const { exitCode, isCanceled, stdout, stderr } = await execa("docker", args, { ...common, ...options });
  // The docker command may say 0 when it is told to end.
  return { exitCode: isCanceled ? -1 : (exitCode ?? -1), stdout: String(stdout), stderr };
}

/** What Docker says where the helper cannot be made, as what is wrong. */
function explainCreate(store: SnapshotStore, stderr: string): UserError {
  const { repository } = store;
  if (/Conflict\. The container name/.test(stderr)) return busy(store);
  if (/bind source path does not exist/.test(stderr)) {
    return new UserError(
      "snapshot-directory",
      `The directory ${repository} (snapshots.repository) is not there on the Docker host. Nothing was touched.\n` +
        `If it is on a disk of its own, mount that; else make it, as root on the Docker host: mkdir -p -m 700 ${repository}`,
    );
  }
  if (/No such image|Unable to find image/i.test(stderr)) {
    return new UserError(
      "snapshot-image-missing",
      `The image snapshots are taken with is missing. Nothing was touched.\nTo build it: ${factoryCommand} setup --stack ${store.stack}`,
    );
  }
  return new UserError("snapshot-failed", `The snapshot container cannot be made. Nothing was touched.\n${stderr}`);
}

/** Removes a helper; nothing where there is none. */
export async function removeHelper({ host }: SnapshotStore, id: string): Promise<void> {
  await docker(host, ["rm", "--force", id]);
}
