import confirm from "@inquirer/confirm";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { releaseStaleLock } from "../../pulumi/lock.ts";
import { historyMessage, runPulumi, unasked } from "../../pulumi/run.ts";
import { exportState, importState, readState } from "../../pulumi/state.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { findLeftovers, type Leftover, refuseNotOurs, removeFromHost } from "../upgrade/leftovers.ts";
import { apply } from "../upgrade/up.ts";
import { readFromDocker } from "./docker-state.ts";
import { withAdopted } from "./entries.ts";
import { type Judged, judge } from "./judge.ts";
import { layGroundwork, readPlan } from "./plan.ts";

/**
 * Takes over the containers and the network of the factory that the stack's state does not know: what is as it is wanted stays as it
 * runs, the rest is removed and made anew. Every step finds out for itself what is left to do, so that the same call again ends one
 * that was killed.
 */
export async function adopt(workspace: Workspace, { ask }: { ask: boolean }): Promise<void> {
  const { stack, config } = workspace;
  await releaseStaleLock(workspace);
  await endCutOff(workspace);
  const leftovers = await findLeftovers(workspace);
  await refuseNotOurs(workspace, leftovers);
  if (leftovers.length === 0) {
    console.log(`Stack ${stack} knows all that runs of factory ${config.factoryName}: nothing to take over.`);
    await apply(workspace, "adopt", { ask });
    return;
  }
  if (ask && !process.stdin.isTTY) throw nobodyToAsk(stack);
  console.log("Looking at what is wanted: images and volumes first. Containers are not touched.");
  await layGroundwork(workspace);
  const judged = await judge(workspace, await readPlan(workspace), leftovers);
  describe(workspace, judged);
  if (ask && !(await confirm({ message: "Go on?", default: false })))
    throw new UserError("cancelled", "Nothing was taken over, and nothing removed.");
  await takeOver(workspace, judged);
  await removeFromHost(
    config.dockerHost,
    judged.misfits.map(({ leftover }) => leftover),
  );
  await apply(workspace, "adopt", { ask: false });
}

/** Pulumi looks at how the steps ended of an update that was killed; unlike `up` nothing is removed then. */
async function endCutOff(workspace: Workspace): Promise<void> {
  if (!(await readState(workspace)).cutOff) return;
  await runPulumi(workspace, "refresh", ["--clear-pending-creates", ...historyMessage("adopt"), ...unasked]);
}

function nobodyToAsk(stack: string): UserError {
  return new UserError(
    "nobody-to-ask",
    `Nobody to ask here. Nothing was touched: ${factoryCommand} adopt --stack ${stack} --yes`,
    2,
  );
}

function describe({ stack, config }: Workspace, { fits, misfits }: Judged): void {
  const line = ({ kind, name }: Leftover) => `  ${kind} ${name}`;
  console.log(`Of factory ${config.factoryName}, and not in the state of stack ${stack}:`);
  if (fits.length > 0) {
    console.log("as wanted, to be taken over as it is:");
    for (const { leftover } of fits) console.log(line(leftover));
  }
  if (misfits.length > 0) {
    console.log("not as wanted, to be removed and made anew (no data is in it; the data volumes stay as they are):");
    for (const { leftover, why } of misfits) console.log(`${line(leftover)}: ${why.join("; ")}`);
  }
}

async function takeOver(workspace: Workspace, { fits, planned }: Judged): Promise<void> {
  if (fits.length === 0) return;
  const state = await exportState(workspace);
  const things = fits.map(({ leftover, wanted }) => ({ type: wanted.type, name: wanted.name, id: leftover.id }));
  const provider = (state.deployment.resources ?? []).find(
    ({ type, inputs }) => type === "pulumi:providers:docker" && inputs?.host === workspace.config.dockerHost,
  );
  if (provider === undefined) throw new Error("the state has no Docker provider");
  const read = await readFromDocker(workspace, provider, things);
  await importState(workspace, withAdopted(state, planned, fits, read));
}
