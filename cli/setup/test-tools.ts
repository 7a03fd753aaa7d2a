import { existsSync } from "node:fs";
import { aptInstall, describePlatform } from "./docker.ts";
import { type Progress, SetupError } from "./step.ts";

/** What the end-to-end tests use besides the factory itself: the file that tells it is there, and its Debian package. */
const tools = [{ file: "/bin/busybox", debianPackage: "busybox-static" }];

export interface TestToolsOptions {
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

/** Installs what the tests use. Throws `SetupError` where it is missing and cannot be installed from here. */
export async function setupTestTools({ env, progress }: TestToolsOptions): Promise<void> {
  const missing = tools.filter(({ file }) => !existsSync(file)).map(({ debianPackage }) => debianPackage);
  if (missing.length === 0) return;
  const { debianLike, root } = describePlatform();
  if (!debianLike || !root) {
    throw new SetupError(`The tests need ${missing.join(", ")}.`, [`sudo apt-get install ${missing.join(" ")}`]);
  }
  await progress.step("Install the tests' tools", "the tests make images of their own", (report) =>
    aptInstall(missing, env, report),
  );
}
