import confirmName from "@inquirer/input";
import type { Command } from "commander";
import { volumeName, volumesWith } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { docker, inspect } from "../host/docker.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { openStore } from "../operations/data/store.ts";
import { takeSnapshot } from "../operations/data/take.ts";
import { formatTaken } from "../operations/data/text.ts";
import { openStack } from "../pulumi/open.ts";
import { forgetResource, readState } from "../pulumi/state.ts";
import type { Workspace } from "../pulumi/workspace.ts";
import { createProgress } from "../setup/index.ts";
import { type StackOptions, stackOption } from "./options.ts";
import { volumeSizes } from "./status.ts";

type DeleteOptions = StackOptions & { snapshot: boolean; confirm?: string };

export function registerDeleteData(program: Command): void {
  program
    .command("delete-data")
    .description("delete the data volumes of a factory that was destroyed, for good; a last snapshot is taken first")
    .addOption(stackOption())
    .option("--confirm <name>", "the factory's name, instead of typing it")
    .option("--no-snapshot", "delete without a last snapshot")
    .action(deleteData);
}

async function deleteData({ stack, snapshot, confirm }: DeleteOptions): Promise<void> {
  const workspace = await openStack(stack);
  const { factoryName: factory, dockerHost } = workspace.config;
  const names = await existing(workspace);
  if (names.length === 0) {
    console.log(`Factory ${factory} has no data volumes on ${dockerHost}.`);
    return;
  }
  await refuseUsed(workspace, names);
  const sizes = await volumeSizes(dockerHost);
  console.log(`The data volumes of factory ${factory}, to be deleted for good:`);
  for (const name of names) console.log(`  ${name}  ${sizes.get(name) ?? "-"}`);
  if (!snapshot) console.log("No last snapshot is taken.");
  await confirmed(factory, stack, confirm);
  if (snapshot) await lastSnapshot(workspace);
  await forget(workspace);
  await docker(dockerHost, ["volume", "rm", ...names]);
  console.log(`Deleted: ${names.join(", ")}.`);
}

async function existing({ config }: Workspace): Promise<string[]> {
  const names = volumesWith(Object.keys(config.agents.hired)).map((key) => volumeName(config.factoryName, key));
  const found = await inspect<{ Name: string }>(config.dockerHost, "volume", names);
  return names.filter((name) => found.some(({ Name }) => Name === name));
}

async function refuseUsed({ stack, config }: Workspace, names: string[]): Promise<void> {
  const filters = names.map((name) => `--filter=volume=${name}`);
  const users = await docker(config.dockerHost, ["ps", "--all", "--format={{.Names}}", ...filters]);
  if (users === "") return;
  throw new UserError(
    "data-in-use",
    `In use by ${users.replaceAll("\n", ", ")}. Nothing was deleted.\nFirst: ${factoryCommand} destroy --stack ${stack}`,
  );
}

async function confirmed(factory: string, stack: string, given: string | undefined): Promise<void> {
  if (given === undefined && !process.stdin.isTTY) {
    throw new UserError(
      "nobody-to-ask",
      `Nobody to ask here. Nothing was deleted: ${factoryCommand} delete-data --stack ${stack} --confirm ${factory}`,
      2,
    );
  }
  const typed = given ?? (await confirmName({ message: `Type the factory's name (${factory}) to delete its data:` }));
  if (typed !== factory)
    throw new UserError("cancelled", `That is not the name of factory ${factory}. Nothing was deleted.`, 2);
}

async function lastSnapshot(workspace: Workspace): Promise<void> {
  const { stack, config } = workspace;
  if (config.snapshots === undefined) {
    throw new UserError(
      "snapshots-off",
      `Stack ${stack} takes no snapshots (disinto:snapshots.repository), so there would be no way back. Nothing was deleted.\n` +
        `Without one: ${factoryCommand} delete-data --stack ${stack} --no-snapshot`,
    );
  }
  const store = await openStore(workspace);
  const taken = await takeSnapshot(store, { why: "before delete-data", progress: createProgress() });
  console.log(formatTaken(store, taken));
}

/** The state of a pinned stack has the volumes still: they are protected. */
async function forget(workspace: Workspace): Promise<void> {
  const { resources } = await readState(workspace);
  for (const resource of resources.filter(({ type }) => type === "docker:index/volume:Volume")) {
    await forgetResource(workspace, resource);
  }
}
