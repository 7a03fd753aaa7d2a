import { spawn } from "node:child_process";
import type { CanarySpec } from "../contract/gates.ts";
import { type GateParameters, rehearsalVariable } from "../contract/gates.ts";
import { canaryName, labelKeys } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { docker, dockerTry, inspect } from "../host/docker.ts";
import { type WorkingState, waitUntilHealthy, works } from "../host/health.ts";

interface Inspected {
  Image: string;
  State: WorkingState;
  HostConfig: { NetworkMode: string };
}

/**
 * Starts an image beside the container that runs, on throwaway volumes, without ports and secrets, and waits until it is
 * healthy. The canary is always removed. Where nothing healthy runs, or the same image does, there is nothing to lose.
 * @throws UserError with what the canary did instead, and its last log lines
 */
export async function tryCanary(host: string, parameters: GateParameters<"canary">): Promise<void> {
  const spec = JSON.parse(parameters.spec) as CanarySpec;
  const [running] = await inspect<Inspected>(host, "container", [spec.container]);
  const isRehearsal = process.env[rehearsalVariable] !== undefined;
  if (!isRehearsal && (running === undefined || !works(running.State) || running.Image === spec.image)) return;
  await requireHealthCheck(host, spec);
  const canary = canaryName(spec.container);
  await dockerTry(host, ["rm", "--force", "--volumes", canary]);
  const image = await withHealthCheck(host, spec);
  // The factory's own network may only be about to be made.
  const there = await inspect(host, "network", [spec.network]);
  const network = there.length > 0 ? spec.network : (running?.HostConfig.NetworkMode ?? "none");
  try {
    const id = await docker(host, ["run", "--detach", `--name=${canary}`, ...runOptions({ ...spec, network }), image]);
    removeAfterDeath(host, id);
    await waitUntilHealthy(host, canary);
  } catch (error) {
    throw new UserError(
      "canary-failed",
      `The new image of ${spec.component}, ${spec.reference}, is not fit to run: ${(error as Error).message}\n` +
        `It was tried beside ${spec.container}, which was not touched.`,
    );
  } finally {
    await dockerTry(host, ["rm", "--force", "--volumes", canary]);
    if (image !== spec.image) await dockerTry(host, ["rmi", image]);
  }
}

/** An upgrade can only be gated by a health check: the image's own, or one of the config. */
async function requireHealthCheck(
  host: string,
  { component, reference, image, healthCheck }: CanarySpec,
): Promise<void> {
  if (healthCheck !== undefined) return;
  const [inspected] = await inspect<{ Config: { Healthcheck?: { Test?: string[] } } }>(host, "image", [image]);
  const [kind = "NONE"] = inspected?.Config.Healthcheck?.Test ?? [];
  if (kind !== "NONE") return;
  const fix = component === "agents" ? ", or set disinto:agents.healthCheck (docs/config.md)" : "";
  throw new UserError(
    "image-unfit",
    `The new image of ${component}, ${reference}, has no HEALTHCHECK, so nobody can tell whether it works.\n` +
      `Nothing that runs was touched. Give the image a HEALTHCHECK${fix}.`,
  );
}

/** The image with the config's health check, which `docker run` could only take as a line for a shell. */
async function withHealthCheck(host: string, { image, healthCheck }: CanarySpec): Promise<string> {
  if (healthCheck === undefined) return image;
  const { test, interval, timeout, retries, startPeriod } = healthCheck;
  const [kind, ...words] = test;
  const command = kind === "CMD" ? words : ["/bin/sh", "-c", words.join(" ")];
  const options = `--interval=${interval}s --timeout=${timeout}s --retries=${retries} --start-period=${startPeriod}s`;
  const dockerfile = `FROM ${image}\nHEALTHCHECK ${options} CMD ${JSON.stringify(command)}\n`;
  return docker(host, ["build", "--quiet", "--force-rm", "-"], dockerfile);
}

function runOptions(spec: CanarySpec): string[] {
  return [
    `--network=${spec.network}`,
    "--cap-drop=ALL",
    ...spec.capabilities.map((name) => `--cap-add=${name}`),
    "--security-opt=no-new-privileges:true",
    `--memory=${spec.memory}m`,
    `--memory-swap=${spec.memory}m`,
    `--pids-limit=${spec.pids}`,
    `--label=${labelKeys.factory}=${spec.factory}`,
    `--label=${labelKeys.component}=${canaryName(spec.component)}`,
    ...spec.environment.map((variable) => `--env=${variable}`),
  ];
}

/** Removes the canary too where this process is killed and cannot. */
function removeAfterDeath(host: string, id: string): void {
  const script = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; docker rm --force --volumes "$2"';
  spawn("sh", ["-c", script, "sh", String(process.pid), id], {
    detached: true,
    stdio: "ignore",
    env: { ...process.env, DOCKER_HOST: host },
  }).unref();
}
