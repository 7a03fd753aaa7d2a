import type { ErrorCode } from "../../contract/error-codes.ts";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand, pulumiCommand } from "../../lib/factory-command.ts";
import { askRestic, type Helper, promptly, repositoryPath } from "./helper.ts";
import { fromTags, type SnapshotLabels } from "./labels.ts";
import type { SnapshotStore } from "./store.ts";

/** A snapshot of a factory's data volumes. */
export interface Snapshot extends SnapshotLabels {
  /** 64 hexadecimal digits. */
  id: string;
  /** RFC 3339, in seconds, UTC. */
  time: string;
  files: number;
  bytes: number;
  /** Bytes it added to the repository. */
  added: number;
}

/** Exit codes of restic (its manual, "Scripting"). */
export const exitCodes = { incomplete: 3, noRepository: 10, locked: 11, wrongPassword: 12 } as const;

/** Exit code of `timeout`. */
const timedOut = 124;

/** A message of restic's, a line of JSON. */
export interface Message {
  message_type?: string;
  [key: string]: unknown;
}

/** How restic ended, and what it said. */
export interface Outcome {
  exitCode: number;
  messages: Message[];
  /** Its complaints. */
  errors: ResticError[];
}

interface ResticError {
  text: string;
  /** The file it is about. */
  item?: string;
}

/**
 * Opens the repository, the first thing to do in a helper: what a killed run of this factory has locked is unlocked.
 * Restic knows that run by the host's name and the number of its process, which only a later command than the first takes here.
 */
export async function openRepository(helper: Helper): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await helper.run([...promptly, "restic", "--json", "unlock"]);
  return outcomeOf(exitCode, stdout, stderr);
}

/** Runs restic in a helper. */
export async function restic(
  helper: Helper,
  args: string[],
  onMessage: (message: Message) => void = () => undefined,
): Promise<Outcome> {
  const onLine = (line: string) => parseMessages(line).forEach(onMessage);
  const { exitCode, stdout, stderr } = await helper.run(["restic", "--json", ...cacheOf(helper.store), ...args], {
    onLine,
  });
  return outcomeOf(exitCode, stdout, stderr);
}

// A directory on the host is read as fast as a cache would be.
function cacheOf({ repository }: SnapshotStore): string[] {
  return repository.startsWith("/") ? ["--no-cache"] : [];
}

/** The summary of a backup or a restore; without one it did not come to its end, whatever the exit code. */
export function summaryOf({ messages }: Outcome): Message | undefined {
  return messages.find(({ message_type }) => message_type === "summary");
}

/** What restic printed, taken apart. */
export function outcomeOf(exitCode: number, stdout: string, stderr: string): Outcome {
  const errors = stderr.split("\n").flatMap((line): ResticError[] => {
    if (line === "") return [];
    const [message] = parseMessages(line);
    if (message === undefined) return [{ text: line }];
    const { error, item } = message as { error?: { message?: string }; item?: string };
    const text = error?.message ?? String(message.message ?? line);
    return [{ text: text.replace(/^Fatal: /, "").trim(), ...(item === undefined ? {} : { item }) }];
  });
  return { exitCode, messages: stdout.split("\n").flatMap(parseMessages), errors };
}

function parseMessages(line: string): Message[] {
  if (!line.startsWith("{")) return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}

/** The factory's snapshots, the newest first; none where the repository does not exist yet. */
export async function readSnapshots(store: SnapshotStore): Promise<Snapshot[]> {
  const { exitCode, stdout, stderr } = await askRestic(store, ["snapshots"]);
  if (exitCode === exitCodes.noRepository) return [];
  if (exitCode !== 0)
    throw explainRestic(store, "The snapshots cannot be listed.", outcomeOf(exitCode, stdout, stderr));
  return parseSnapshots(stdout, store.factory);
}

interface ListedSnapshot {
  id: string;
  time: string;
  tags?: string[];
  summary?: { total_files_processed: number; total_bytes_processed: number; data_added_packed: number };
}

/** A factory's snapshots in the list restic prints, the newest first. */
export function parseSnapshots(list: string, factory: string): Snapshot[] {
  const snapshots = (JSON.parse(list) as ListedSnapshot[]).flatMap(({ id, time, tags = [], summary }) => {
    const labels = fromTags(tags);
    if (labels?.factory !== factory) return [];
    return {
      ...labels,
      id,
      time: `${new Date(time).toISOString().slice(0, 19)}Z`,
      files: summary?.total_files_processed ?? 0,
      bytes: summary?.total_bytes_processed ?? 0,
      added: summary?.data_added_packed ?? 0,
    };
  });
  return snapshots.sort((a, b) => b.time.localeCompare(a.time));
}

/** What restic could not do, as what is wrong and the next command. */
export function explainRestic(store: SnapshotStore, what: string, outcome: Outcome): UserError {
  const said = outcome.errors.map(({ text }) => text.replaceAll(repositoryPath, store.repository));
  const [code, why] = explanation(store, outcome.exitCode, said.join("\n")) ?? ["snapshot-failed", last(said)];
  return new UserError(code, `${what}\n${why}`);
}

function explanation(
  { stack, repository }: SnapshotStore,
  exitCode: number,
  said: string,
): [ErrorCode, string] | undefined {
  if (exitCode === exitCodes.wrongPassword) {
    return [
      "snapshot-password-wrong",
      `disinto:snapshotPassword does not open ${repository}.\nSet another snapshots.repository, or the password it was made with: ` +
        `${pulumiCommand} config set --stack ${stack} --secret disinto:snapshotPassword`,
    ];
  }
  if (exitCode === exitCodes.noRepository) {
    return [
      "snapshot-unknown",
      `There are no snapshots in ${repository} yet: ${factoryCommand} snapshot --stack ${stack} makes the first.`,
    ];
  }
  if (exitCode === timedOut) {
    return [
      "snapshot-unreachable",
      `${repository} did not answer within a minute. Is its server up, and does the Docker host reach it?`,
    ];
  }
  if (exitCode === exitCodes.locked) {
    return [
      "snapshot-busy",
      `${repository} is locked: another factory's snapshot is at work in it, or was killed less than half an hour ago. Try again later.`,
    ];
  }
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    return ["snapshot-disk-full", `The disk of ${repository} is full. Make room, or set another snapshots.repository.`];
  }
  if (/permission denied|operation not permitted|read-only file system/i.test(said)) {
    return [
      "snapshot-directory",
      `${repository} cannot be written to by root on the Docker host:\n${last(said.split("\n"), 2)}\n` +
        `Give it to root there (chown root ${repository}), or mount it writable.`,
    ];
  }
  return undefined;
}

function last(lines: string[], count = 8): string {
  return lines.slice(-count).join("\n");
}
