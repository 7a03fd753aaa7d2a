import { UserError } from "../../../contract/user-error.ts";
import { type FactoryHost, runHelper } from "../carry-out/helper.ts";
import { formatPlace, mountOption, type Place } from "../place.ts";

/** What lies in a place. */
export interface Content {
  files: number;
  bytes: number;
  /** Of the file written last; undefined where there is none. */
  newest?: Date;
  /** Files and directories that are root's. */
  ofRoot: number;
  /** Some of the names at its top. */
  names: string[];
}

/** Bytes that are free where Docker keeps volumes. */
export interface Contents {
  free: number;
  /** By {@link formatPlace}. */
  places: Map<string, Content>;
}

const script = `set -euo pipefail
export LC_ALL=C
df --block-size=1 --output=avail / | tail -n 1
for place in "$@"; do
  cd "$place"
  find . -mindepth 1 -printf '%y %U %s %b %T@\\n' | awk '
    $1 == "f" { files++; taken = $4 * 512; bytes += taken > $3 ? taken : $3; if ($5 > newest) newest = $5 }
    $2 == 0 { root++ }
    END { printf "%.0f %.0f %.0f %.0f\\n", files, bytes, newest, root }'
  find . -mindepth 1 -maxdepth 1 -printf '%f\\n' | sort | sed -n 1,4p | tr '\\n' '/'
  echo
done`;

/** Looks into places of the Docker host, and changes nothing there. */
export async function readContents(where: FactoryHost, places: Place[]): Promise<Contents> {
  const targets = places.map((_, index) => `/place/${index}`);
  const mounts = places.map((place, index) => mountOption(place, `/place/${index}`, { readOnly: true }));
  const outcome = await runHelper(where, { mounts, script, args: targets, access: "read" });
  if (outcome.exitCode !== 0) {
    throw new UserError("docker-failed", `The old data cannot be looked at on ${where.host}:\n${outcome.stderr}`);
  }
  const [free = "0", ...lines] = outcome.stdout.split("\n");
  const found = places.map((place, index): [string, Content] => [
    formatPlace(place),
    parseContent(lines[index * 2] ?? "", lines[index * 2 + 1] ?? ""),
  ]);
  return { free: Number(free), places: new Map(found) };
}

function parseContent(numbers: string, names: string): Content {
  const [files = 0, bytes = 0, newest = 0, ofRoot = 0] = numbers.split(" ").map(Number);
  return {
    files,
    bytes,
    ofRoot,
    ...(files === 0 ? {} : { newest: new Date(newest * 1000) }),
    names: names.split("/").filter((name) => name !== ""),
  };
}
