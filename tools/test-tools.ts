import { existsSync } from "node:fs";
import { SetupError } from "../contract/user-error.ts";
import type { Paths } from "../lib/paths.ts";
import type { Progress } from "../lib/progress.ts";
import { run } from "../lib/run.ts";
import { aptInstall, describePlatform } from "../setup/docker.ts";
import { setupTestCompose } from "./test-compose.ts";

const registryPackage = "docker-registry";

/** What the end-to-end tests use besides the factory itself: the file that tells it is there, and its Debian package. */
const tools = [
  { file: "/bin/busybox", debianPackage: "busybox-static" },
  { file: "/usr/bin/docker-registry", debianPackage: registryPackage },
  { file: "/usr/bin/htpasswd", debianPackage: "apache2-utils" },
  { file: "/usr/bin/openssl", debianPackage: "openssl" },
  { file: "/usr/bin/docker-compose", debianPackage: "docker-compose" },
  { file: "/usr/bin/age", debianPackage: "age" },
  { file: "/usr/bin/curl", debianPackage: "curl" },
  { file: "/etc/ssl/certs/ca-certificates.crt", debianPackage: "ca-certificates" },
];

export interface TestToolsOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

/** Installs and builds what the tests use. Throws `SetupError` where it is missing and cannot be installed from here. */
export async function setupTestTools({ paths, env, progress }: TestToolsOptions): Promise<void> {
  await installPackages(env, progress);
  await setupTestCompose(paths, env, progress);
}

async function installPackages(env: NodeJS.ProcessEnv, progress: Progress): Promise<void> {
  const missing = tools.filter(({ file }) => !existsSync(file)).map(({ debianPackage }) => debianPackage);
  if (missing.length === 0) return;
  const { debianLike, root } = describePlatform();
  if (!debianLike || !root) {
    throw new SetupError("packages-missing", `The tests need ${missing.join(", ")}.`, [
      `sudo apt-get install ${missing.join(" ")}`,
    ]);
  }
  await progress.step(
    "Install the tests' tools",
    "the tests make images and a registry of their own",
    async (report) => {
      await aptInstall(missing, env, report);
      if (missing.includes(registryPackage)) await stopService(registryPackage, env);
    },
  );
}

// Debian's package starts a registry for the whole host; the tests start theirs by themselves.
async function stopService(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  const withSystemPrograms = { env: { ...env, PATH: `${env.PATH ?? ""}:/usr/sbin:/sbin` } };
  await run("update-rc.d", [name, "disable"], withSystemPrograms);
  await run("service", [name, "stop"], withSystemPrograms);
}
