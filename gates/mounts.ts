import { findMountProblems, type InspectedMount } from "../contract/mounts.ts";
import { type ComponentName, containerName } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { inspect } from "../host/docker.ts";
import { factoryCommand } from "../lib/factory-command.ts";

interface CheckedContainer {
  factory: string;
  stack: string;
  component: ComponentName;
  /** ID of the container. */
  container: string;
}

/** Refuses a container that has an anonymous volume, or not exactly the contract's volumes at the contract's paths. */
export async function checkMounts(host: string, checked: CheckedContainer): Promise<void> {
  const { factory, stack, component, container: id } = checked;
  const name = containerName(factory, component);
  const [container] = await inspect<{ Mounts: InspectedMount[] }>(host, "container", [id]);
  if (container === undefined) {
    throw new UserError(
      "gone-meanwhile",
      `The container ${name} is gone from ${host}. Make it again: ${factoryCommand} up --stack ${stack}`,
    );
  }
  const problems = findMountProblems(factory, component, container.Mounts);
  if (problems.length === 0) return;
  throw new UserError(
    "mounts-wrong",
    [
      `The container ${name} has other volumes than the contract says:`,
      ...problems.map((problem) => `  ${problem}`),
      "  What it writes there seems lost when it is replaced next. The factory's data volumes are as they were.",
      `  stop it:  docker stop ${name}`,
      `  go back:  ${factoryCommand} rollback --stack ${stack}`,
    ].join("\n"),
  );
}
