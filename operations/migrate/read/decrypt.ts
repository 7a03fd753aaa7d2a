import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** What an encrypted file says, or why that is not known, and the command that would tell. */
export type Decrypted = { text: string } | { reason: string; command: (file: string) => string };

/** Decrypts a file of sops or age into memory: the text never touches the disk. */
export function decrypt(file: string): Promise<Decrypted> {
  const content = readFileSync(file, "utf8");
  return /^(age-encryption\.org\/|-----BEGIN AGE ENCRYPTED FILE-----)/.test(content)
    ? decryptAge(file)
    : decryptSops(file, content);
}

async function decryptAge(file: string): Promise<Decrypted> {
  const key = process.env.SOPS_AGE_KEY_FILE || join(homedir(), ".config/sops/age/keys.txt");
  const shown = process.env.SOPS_AGE_KEY_FILE || "~/.config/sops/age/keys.txt";
  const command = (name: string) => `age --decrypt --identity ${shown} ${name}`;
  if (!existsSync(key)) return { reason: `there is no key ${shown} (SOPS_AGE_KEY_FILE names another)`, command };
  return run("age", ["--decrypt", "--identity", key, file], command);
}

async function decryptSops(file: string, content: string): Promise<Decrypted> {
  // By its ending sops would take any of them for JSON.
  const type = /^sops_version=/m.test(content) ? "dotenv" : content.trimStart().startsWith("{") ? "binary" : "yaml";
  const types = type === "yaml" ? ["yaml", "dotenv"] : [type, type];
  const args = ["--decrypt", "--input-type", types[0] ?? "", "--output-type", types[1] ?? ""];
  return run("sops", [...args, file], (name) => ["sops", ...args, name].join(" "));
}

async function run(program: string, args: string[], command: (file: string) => string): Promise<Decrypted> {
  const { failed, code, stdout, stderr } = await execa(program, args, {
    stdin: "ignore",
    reject: false,
    stripFinalNewline: false,
  });
  if (!failed) return { text: stdout };
  if (code === "ENOENT") return { reason: `there is no ${program} on PATH`, command };
  const [first = ""] = stderr.split("\n").filter((line) => line.trim() !== "");
  return { reason: `${program} says "${first.replace(/[.\s]+$/, "")}"`, command };
}
