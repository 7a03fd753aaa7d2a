import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../contract/user-error.ts";
import { ask, confined, docker, dockerTry } from "../../host/docker.ts";
import type { Named } from "../../host/factory-containers.ts";
import { type Report, snapshotImage } from "../../setup/index.ts";

/** Docker cannot at every moment freeze processes that start others all the time. */
const mostPauses = 5;

/** Milliseconds after which what was about to start in a container runs, or never will. */
const settlingMs = 200;

/** Seconds in which Docker says something of a container, unless it waits for what is frozen in it. */
const answerSeconds = 10;

/**
 * Pauses containers; one that ended meanwhile is as quiet.
 * @throws UserError where Docker cannot reach one any more
 */
export async function pause({ host }: Named, names: string[], report: Pick<Report, "line">): Promise<void> {
  for (const name of names) {
    for (let tries = 0; tries < mostPauses; tries++) {
      await dockerTry(host, ["pause", name]);
      await sleep(settlingMs);
      const status = (await statusOf(host, name)) ?? (await loosen(host, name, report));
      if (status !== "running") break;
    }
  }
}

/** Unpauses those of them that are paused. */
export async function unpause({ host }: Named, names: string[]): Promise<void> {
  // Docker lists a container also where it does not inspect it.
  const paused = (await docker(host, ["ps", "--filter=status=paused", "--format={{.Names}}"])).split("\n");
  for (const name of names.filter((name) => paused.includes(name))) {
    const { exitCode, output } = await ask(host, ["unpause", name], 6 * answerSeconds);
    if (exitCode === undefined) throw stuck(host, name);
    if (exitCode !== 0) throw new UserError("docker-failed", `docker unpause failed on ${host}:\n${output}`);
  }
}

/** What Docker says of a container: its status, or that there is none; undefined where it says nothing. */
async function statusOf(host: string, name: string): Promise<string | undefined> {
  const { exitCode, output } = await ask(
    host,
    ["container", "inspect", "--format={{.State.Status}}", name],
    answerSeconds,
  );
  return exitCode === undefined ? undefined : output;
}

/** Of the container whose ID it is given: what is frozen runs for a second. */
const script = `
find /cgroup -path "*$1*" '(' -name freezer.state -o -name cgroup.freeze ')' | while read -r file; do
  case $(cat "$file") in
    FROZEN | FREEZING) thawed=THAWED frozen=FROZEN ;;
    1) thawed=0 frozen=1 ;;
    *) continue ;;
  esac
  echo "$thawed" > "$file"
  sleep 1
  echo "$frozen" > "$file"
done`;

/**
 * What Docker starts in a container, for its health check or `docker exec`, is frozen with it where it is paused in just that
 * moment. Docker then waits for it for ever, and neither inspects nor unpauses the container (seen with Docker 20.10 in a third
 * of the pauses that met the start of a program). So that gets the time to start.
 */
async function loosen(host: string, name: string, report: Pick<Report, "line">): Promise<string> {
  report.line(`${name} was paused while something started in it; letting that start`);
  const listed = await docker(host, ["ps", "--no-trunc", "--format={{.Names}} {{.ID}}"]);
  const id = listed
    .split("\n")
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);
  // Without an ID it would be every container of the host.
  if (id !== undefined) {
    const mount = "--mount=type=bind,src=/sys/fs/cgroup,dst=/cgroup";
    const command = [snapshotImage(), "sh", "-c", script, "sh", id];
    await dockerTry(host, ["run", "--rm", "--network=none", ...confined, mount, ...command]);
  }
  const status = await statusOf(host, name);
  if (status === undefined) throw stuck(host, name);
  return status;
}

function stuck(host: string, name: string): UserError {
  return new UserError(
    "container-stuck",
    `Docker on ${host} does not answer for ${name}, which was paused while something started in it.\n` +
      "What gets it out of there, as root on the Docker host, is in docs/troubleshooting.md#container-stuck",
  );
}
