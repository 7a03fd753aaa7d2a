import { execa } from "execa";
import { UserError } from "../contract/user-error.ts";
import { projectOptions } from "./run.ts";
import type { Workspace } from "./workspace.ts";

/** A resource as the state has it. */
export interface StateResource {
  urn: string;
  type: string;
  /** What the provider knows it by: a container's ID, a volume's name. */
  id?: string;
  inputs?: Record<string, unknown>;
}

/** What Pulumi wrote down of a stack. */
export interface StackState {
  resources: StateResource[];
  /** Whether an update was cut off, so that Pulumi does not know how some of its steps ended. */
  cutOff: boolean;
  /** Types of the resources that those steps are about. */
  unfinished: string[];
}

/** A whole state, as Pulumi exports and imports it; secrets are encrypted in it. */
export interface Deployment {
  version: number;
  deployment: { resources?: StateEntry[]; pending_operations?: { resource: StateResource }[] };
}

/** A resource as an exported state has it. */
export interface StateEntry extends StateResource {
  custom: boolean;
  parent?: string;
  provider?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[]>;
  outputs?: Record<string, unknown>;
  [more: string]: unknown;
}

/**
 * The state of a stack; no secret in it is decrypted.
 * @param stack another stack of the same project
 * @throws UserError where Pulumi cannot say
 */
export async function readState(workspace: Workspace, stack = workspace.stack): Promise<StackState> {
  const { resources = [], pending_operations = [] } = (await exportState(workspace, stack)).deployment ?? {};
  const unfinished = pending_operations.map(({ resource }) => resource.type);
  return { resources, cutOff: unfinished.length > 0, unfinished };
}

/** The whole state of a stack; no secret in it is decrypted. */
export async function exportState(workspace: Workspace, stack = workspace.stack): Promise<Deployment> {
  const { exitCode, stdout, stderr } = await execa("pulumi", ["stack", "export", "--stack", stack], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  if (exitCode !== 0) throw new UserError("state-unreadable", `The state of stack ${stack} cannot be read:\n${stderr}`);
  return JSON.parse(stdout);
}

/** Writes the whole state of a stack, at once; plain secrets in it are encrypted on the way. */
export async function importState(workspace: Workspace, state: Deployment): Promise<void> {
  const { exitCode, stderr } = await execa("pulumi", ["stack", "import", "--stack", workspace.stack], {
    ...projectOptions(workspace),
    input: JSON.stringify(state),
  });
  if (exitCode !== 0)
    throw new UserError("state-unreadable", `The state of stack ${workspace.stack} cannot be written:\n${stderr}`);
}

/** Takes a resource out of a stack's state, a protected one too; nothing is changed on the host. */
export async function forgetResource(workspace: Workspace, { urn }: StateResource): Promise<void> {
  const args = ["state", "delete", urn, "--force", "--yes", "--stack", workspace.stack];
  const { exitCode, stderr } = await execa("pulumi", args, { ...projectOptions(workspace), stdin: "ignore" });
  if (exitCode !== 0) throw new UserError("state-unreadable", `${urn} cannot be taken out of the state:\n${stderr}`);
}

/** Names of the project's stacks in this backend. */
export async function listStacks(workspace: Workspace): Promise<string[]> {
  const { stdout } = await execa("pulumi", ["stack", "ls", "--json"], {
    ...projectOptions(workspace),
    stdin: "ignore",
  });
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
}
