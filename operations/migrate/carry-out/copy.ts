import { UserError } from "../../../contract/user-error.ts";
import { formatPlace, mountOption, type Place } from "../place.ts";
import { type FactoryHost, type HelperOutcome, runHelper } from "./helper.ts";

/** Numbers of the user `agent`, whom everything the agents work on belongs to. */
const agent = 1000;

/**
 * `list DIRECTORY OWNER`: every file below it with kind, owner, mode, size, time, target and checksum, in an order that is always the
 * same; what is root's counts as OWNER's.
 */
const listFunction = `set -euo pipefail; shopt -s inherit_errexit
export LC_ALL=C
list() (
  cd "$1"
  {
    find . \\( -uid 0 -printf "$2 " -o -printf "%U " \\) , \\( -gid 0 -printf "$2 " -o -printf "%G " \\) , \\
      \\( -type f -printf "%s " -o -printf "- " \\) , -printf "%y %m %T@ %l %p\\0" | sort -z
    find . -type f -print0 | sort -z | xargs -0 -r sha256sum -z
  } | sha256sum
)`;

const exitCodes = { sourceChanged: 20, differs: 21 } as const;

// Changing the owner takes setuid and setgid from a file.
const copyScript = `${listFunction}
[ ! /from -ef /to ]
before=$(list /from "$1")
find /to -mindepth 1 -delete
cp -a /from/. /to/
if [ "$1" != 0 ]; then
  find /to -type f -perm /6000 \\( -uid 0 -o -gid 0 \\) -printf '%m %p\\0' > /run/migration/modes
  find /to -uid 0 -exec chown -h "$1" {} +
  find /to -gid 0 -exec chgrp -h "$1" {} +
  while IFS=' ' read -r -d '' mode path; do chmod "$mode" "$path"; done < /run/migration/modes
fi
after=$(list /from "$1")
copied=$(list /to 0)
[ "$after" = "$before" ] || exit ${exitCodes.sourceChanged}
[ "$copied" = "$before" ] || exit ${exitCodes.differs}`;

export interface CopyOptions {
  from: Place;
  /** What it has is removed. */
  to: Place;
  /** Give the agents what is root's. */
  fixOwner: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Makes `to` the same as `from`, which stays as it is, and reads all of both to be sure.
 * @throws UserError where that is not so in the end
 */
export async function copyPlace(where: FactoryHost, { from, to, fixOwner, signal }: CopyOptions): Promise<void> {
  const outcome = await runHelper(where, {
    mounts: [mountOption(from, "/from", { readOnly: true }), mountOption(to, "/to", { readOnly: false })],
    script: copyScript,
    args: [String(fixOwner ? agent : 0)],
    access: "write",
    signal,
  });
  if (outcome.exitCode !== 0) throw explain(from, to, outcome);
}

/** Whether two places hold the same; what is root's in the first counts as the agents' with `fixOwner`. */
export async function areSame(where: FactoryHost, { from, to, fixOwner, signal }: CopyOptions): Promise<boolean> {
  const outcome = await runHelper(where, {
    mounts: [mountOption(from, "/from", { readOnly: true }), mountOption(to, "/to", { readOnly: true })],
    script: `${listFunction}\nfrom=$(list /from "$1")\nto=$(list /to 0)\n[ "$from" = "$to" ] && echo same || echo different`,
    args: [String(fixOwner ? agent : 0)],
    access: "read",
    signal,
  });
  if (outcome.exitCode !== 0) throw explain(from, to, outcome);
  return outcome.stdout.trim() === "same";
}

function explain(from: Place, to: Place, { exitCode, stderr }: HelperOutcome): UserError {
  const [source, target] = [formatPlace(from), formatPlace(to)];
  if (exitCode === exitCodes.sourceChanged) {
    return new UserError(
      "migration-source-changed",
      `${source} was written to while it was copied to ${target}. Find out who does (docker ps), and stop that first.`,
    );
  }
  if (exitCode === exitCodes.differs) {
    return new UserError("migration-copy-differs", `The copy of ${source} in ${target} is not the same.`);
  }
  if (/No space left on device/.test(stderr)) {
    return new UserError("migration-no-room", `There is no room for ${source} in ${target}: the disk is full.`);
  }
  return new UserError("migration-copy-differs", `${source} cannot be copied to ${target}:\n${stderr}`);
}
