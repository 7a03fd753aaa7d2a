import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Signature } from "./signature.ts";

/** The signature of an image that was verified once; undefined where none is kept. It has to be verified every time. */
export async function readKept(directory: string, digest: string): Promise<Signature | undefined> {
  try {
    const { payload, signature } = JSON.parse(await readFile(fileOf(directory, digest), "utf8"));
    return typeof payload === "string" && typeof signature === "string" ? { payload, signature } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a signature for the day when the registry does not answer. */
export async function keep(directory: string, digest: string, signature: Signature): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(fileOf(directory, digest), `${JSON.stringify(signature)}\n`, { mode: 0o600 });
}

function fileOf(directory: string, digest: string): string {
  return join(directory, `${digest.replace("sha256:", "")}.json`);
}
