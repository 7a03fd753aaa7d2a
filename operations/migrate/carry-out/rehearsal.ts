import { rehearsalVariable } from "../../../contract/gates.ts";
import { historyMessage, runPulumi, unasked } from "../../../pulumi/run.ts";
import type { Workspace } from "../../../pulumi/workspace.ts";

/** What is tried before anything is stopped: the images, what they declare, and a canary of each service. */
const rehearsed = ["factory", "docker-host", "*-image", "*-volumes", "hook-before", "*-canary"];

/**
 * Gets the images, and tries them, while the old containers run.
 * @throws UserError where one is not to be had, or not fit to run
 */
export async function rehearse(workspace: Workspace): Promise<void> {
  const env = { ...workspace.env, [rehearsalVariable]: "1" };
  const targets = rehearsed.flatMap((name) => ["--target", `**::${name}`]);
  await runPulumi({ ...workspace, env }, "up", [...targets, ...historyMessage("migrate, rehearsal"), ...unasked]);
}
