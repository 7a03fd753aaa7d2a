import { UserError } from "../../contract/user-error.ts";
import { type Named, namesIn } from "../../host/factory-containers.ts";
import { pulumiCommand } from "../../lib/factory-command.ts";
import { askPulumi } from "../../pulumi/run.ts";
import type { Workspace } from "../../pulumi/workspace.ts";

/** A factory on its Docker host, and the repository its snapshots lie in: all it takes to work with them. */
export interface SnapshotStore extends Named {
  /** The stack's name, for the commands in messages. */
  stack: string;
  /** Restic's repository; an absolute path is a directory on the Docker host. */
  repository: string;
  password: string;
}

/**
 * Where the snapshots of a stack's factory lie.
 * @throws UserError where it takes none, or the password cannot be decrypted
 */
export async function openStore(workspace: Workspace): Promise<SnapshotStore> {
  const { stack, config } = workspace;
  const { snapshots } = config;
  if (snapshots === undefined) {
    throw new UserError(
      "snapshots-off",
      `Stack ${stack} takes no snapshots. To have them, give it a directory on the Docker host and a password:\n` +
        `  ${pulumiCommand} config set --stack ${stack} --path 'disinto:snapshots.repository' /var/backups/disinto\n` +
        `  ${pulumiCommand} config set --stack ${stack} --secret disinto:snapshotPassword`,
      2,
    );
  }
  const secret = await askPulumi<{ value: string }>(workspace, ["config", "get", "disinto:snapshotPassword"]);
  if (secret === undefined) {
    throw new UserError(
      "secret-unreadable",
      `disinto:snapshotPassword of stack ${stack} cannot be decrypted: this machine's passphrase is another one.\n` +
        `Set it again: ${pulumiCommand} config set --stack ${stack} --secret disinto:snapshotPassword`,
    );
  }
  return { stack, ...namesIn(config), repository: snapshots.repository, password: secret.value };
}

/** Whether the repository is a directory on the Docker host. */
export function isLocal({ repository }: SnapshotStore): boolean {
  return repository.startsWith("/");
}
