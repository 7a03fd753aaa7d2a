import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../../contract/user-error.ts";
import type { Deployment, StateEntry } from "../../pulumi/state.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import type { Properties } from "./plan.ts";

/** Something on the Docker host, and the type that Pulumi has for it. */
export interface OnHost {
  type: string;
  name: string;
  id: string;
}

const scratch = "urn:pulumi:adopt::adopt::";

/**
 * What Pulumi's Docker provider reads of things on the host, by their ID: addresses, host names and the like, without which it would
 * make them anew. In a state of its own that is thrown away; no secret is in it.
 * @param provider the Docker provider of the stack's state
 */
export async function readFromDocker(
  { env, config }: Workspace,
  provider: StateEntry,
  things: OnHost[],
): Promise<Map<string, Properties>> {
  const directory = mkdtempSync(join(tmpdir(), "factory-"));
  try {
    mkdirSync(join(directory, "state"));
    writeFileSync(join(directory, "Pulumi.yaml"), "name: adopt\nruntime: nodejs\n");
    const pulumi = async (args: string[], input?: string) => {
      const { exitCode, stdout, stderr } = await execa("pulumi", args, {
        cwd: directory,
        env: {
          ...env,
          PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: randomly,
          PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        },
        reject: false,
        ...(input === undefined ? { stdin: "ignore" } : { input }),
      });
      if (exitCode !== 0)
        throw new UserError("state-unreadable", `What runs cannot be read (pulumi ${args[0]}):\n${stdout}\n${stderr}`);
      return stdout;
    };
    const randomly = randomUUID();
    await pulumi(["stack", "init", "adopt"]);
    const empty = JSON.parse(await pulumi(["stack", "export", "--stack", "adopt"])) as Deployment;
    empty.deployment.resources = scratchResources(provider, config.dockerHost, things);
    await pulumi(["stack", "import", "--stack", "adopt"], JSON.stringify(empty));
    await pulumi(["refresh", "--stack", "adopt", "--yes", "--skip-preview"]);
    const { deployment } = JSON.parse(await pulumi(["stack", "export", "--stack", "adopt"])) as Deployment;
    return new Map((deployment.resources ?? []).map(({ id = "", outputs = {} }) => [id, outputs]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function scratchResources(provider: StateEntry, host: string, things: OnHost[]): StateEntry[] {
  const version = provider.inputs?.version === undefined ? {} : { version: provider.inputs.version };
  const inputs = { host, ...version };
  const type = "pulumi:providers:docker";
  const urn = `${scratch}${type}::host`;
  const id = randomUUID();
  return [
    { urn, custom: true, type, id, inputs, outputs: inputs },
    ...things.map((thing) => ({
      urn: `${scratch}${thing.type}::${thing.name}`,
      custom: true,
      type: thing.type,
      id: thing.id,
      provider: `${urn}::${id}`,
      inputs: {},
      outputs: {},
    })),
  ];
}
