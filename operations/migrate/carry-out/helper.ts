import { execa } from "execa";
import { labelKeys, migrationContainerName } from "../../../contract/names.ts";
import { UserError } from "../../../contract/user-error.ts";
import { confined, dockerTry } from "../../../host/docker.ts";
import { snapshotImage } from "../../../setup/index.ts";

/** A factory's Docker host. */
export interface FactoryHost {
  factory: string;
  /** Address of the Docker daemon. */
  host: string;
}

export interface HelperRun {
  /** Values of `--mount`. */
  mounts?: string[];
  /** Values of `--volume`, by which Docker makes a directory that is not there. */
  binds?: string[];
  /** For bash, with `args` as `$1` and so on. */
  script: string;
  args?: string[];
  /** Files of any owner are read, or written as they were. */
  access: "read" | "write";
  signal?: AbortSignal | undefined;
}

export interface HelperOutcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const capabilities = {
  read: ["DAC_READ_SEARCH"],
  write: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD"],
};

/**
 * Runs a script over places of the Docker host, in a container that is gone after it. Its name lets only one be at work; what a killed
 * command left at work is ended first.
 */
export async function runHelper({ factory, host }: FactoryHost, run: HelperRun): Promise<HelperOutcome> {
  const name = migrationContainerName(factory);
  await dockerTry(host, ["rm", "--force", name]);
  const options = [
    "--rm",
    "--interactive",
    `--name=${name}`,
    `--label=${labelKeys.factory}=${factory}`,
    `--label=${labelKeys.component}=migration`,
    "--network=none",
    ...confined,
    ...capabilities[run.access].map((capability) => `--cap-add=${capability}`),
    "--tmpfs=/run/migration",
    ...(run.mounts ?? []).flatMap((mount) => ["--mount", mount]),
    ...(run.binds ?? []).map((bind) => `--volume=${bind}`),
  ];
  const command = ["bash", "-c", run.script, "bash", ...(run.args ?? [])];
  // Detached: Ctrl-C is for this process alone, which then ends what it started.
  const ended = await execa("docker", ["run", ...options, snapshotImage(), ...command], {
    env: { DOCKER_HOST: host },
    stdin: "ignore",
    detached: true,
    reject: false,
    ...(run.signal === undefined ? {} : { cancelSignal: run.signal }),
  });
  if (ended.isCanceled) await dockerTry(host, ["rm", "--force", name]);
  run.signal?.throwIfAborted();
  if (ended.exitCode === 125) {
    throw new UserError("docker-failed", `docker run failed on ${host}:\n${ended.stderr}`);
  }
  return { exitCode: ended.exitCode ?? -1, stdout: ended.stdout, stderr: ended.stderr };
}
