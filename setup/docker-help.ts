import { factoryCommand, pulumiCommand } from "../lib/factory-command.ts";
/** Why a daemon could not be used. `silent` is one that accepts a connection and says nothing. */
export type DockerTrouble = "absent" | "permission" | "silent" | "no-cli";

export interface DockerHelpOptions {
  platform: NodeJS.Platform;
  /** Whether this process is root. */
  root: boolean;
  /** Debian, Ubuntu or a child of theirs. */
  debianLike: boolean;
  /** Linux inside Windows. */
  wsl: boolean;
  user: string;
  dockerHost: string;
  trouble: DockerTrouble;
  /** @default "<stack>" */
  stack?: string;
}

/** What a person can do to get a daemon that answers at `dockerHost`: lines for `SetupError.byHand`. */
export function dockerHelp(options: DockerHelpOptions): string[] {
  const { dockerHost, trouble } = options;
  if (trouble === "no-cli") return ["install the docker command: https://docs.docker.com/engine/install/"];
  if (dockerHost.startsWith("ssh://")) return [`ssh ${dockerHost.slice("ssh://".length)} docker version`];
  if (!dockerHost.startsWith("unix://")) return [`DOCKER_HOST=${dockerHost} docker version`];
  if (trouble === "permission") return [`sudo usermod -aG docker ${options.user}`, "log out and in again"];
  if (trouble === "silent") return ["restart the daemon: it accepts connections and does not answer"];
  return options.platform === "linux" ? linuxHelp(options) : desktopHelp(options);
}

function desktopHelp({ platform, stack = "<stack>" }: DockerHelpOptions): string[] {
  if (platform === "win32") return ["wsl --install -d Debian", `run ${factoryCommand} inside WSL`];
  if (platform !== "darwin") return ["start a Docker daemon: https://docs.docker.com/engine/install/"];
  return [
    "start Docker Desktop, or: brew install colima docker && colima start",
    "docker context inspect --format '{{.Endpoints.docker.Host}}' says where it listens; when that is another place:",
    `${pulumiCommand} config set dockerHost <that> --stack ${stack}`,
  ];
}

function linuxHelp({ root, debianLike, wsl, user }: DockerHelpOptions): string[] {
  const sudo = root ? "" : "sudo ";
  const install = debianLike
    ? [`${sudo}apt-get update`, `${sudo}apt-get install -y --no-install-recommends docker.io`]
    : ["install Docker: https://docs.docker.com/engine/install/"];
  const start = wsl ? `${sudo}service docker start` : `${sudo}systemctl enable --now docker`;
  const group = root ? [] : [`sudo usermod -aG docker ${user} (then log out and in again)`];
  return [...install, start, ...group];
}
