import { readFile } from "node:fs/promises";
import { run } from "./run.ts";

/** Unmounts what is mounted below a directory, also what is in use. It needs root. */
export async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((mount) => mount.startsWith(`${directory}/`));
  for (const mount of mounts.reverse()) await run("umount", ["-l", mount]);
}
