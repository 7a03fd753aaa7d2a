import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse, parseDocument, stringify } from "yaml";
import { UserError } from "../../../contract/user-error.ts";
import { paths } from "../../../lib/paths.ts";
import { openEngine } from "../../../pulumi/open.ts";
import { createStackOf } from "../../../pulumi/stack-copy.ts";
import { parseStackFile, stackFileOf } from "../../../pulumi/stack-file.ts";
import type { Environment } from "../../../setup/index.ts";
import type { Plan } from "../plan/plan.ts";

const passwordKey = "disinto:snapshotPassword";

/** Bytes of the snapshots' password, which is written in hexadecimal. */
const passwordBytes = 24;

interface Content extends Record<string, unknown> {
  config?: Record<string, unknown>;
}

/**
 * Writes the stack's file, its secrets encrypted. A password for snapshots that an earlier try has made stays: there may be
 * snapshots that are encrypted with it.
 * @param values of the plan's secrets, by their paths
 */
export async function writeStackConfig({ stack, config }: Plan, values: Map<string, string>): Promise<void> {
  const file = stackFileOf(stack);
  const { config: old = {}, ...encryption }: Content = existsSync(file) ? parse(readFileSync(file, "utf8")) : {};
  const password = old[passwordKey];
  // Snapshots are refused without their password, which cannot be encrypted before there is a stack.
  const { snapshots, ...others } = config;
  const kept = password === undefined ? {} : { [passwordKey]: password };
  const text = stringify({ ...encryption, config: { ...prefixed(others), ...kept } });
  const written = `# Written by factory migrate; docs/config.md has every key.\n${text}`;
  parseStackFile(stack, file, written);
  // Of an earlier try; somebody may have changed it since.
  if (existsSync(file)) copyFileSync(file, join(paths.migrations, `${stack}.yaml`));
  writeFileSync(file, written, { mode: 0o600 });
  const env = await openEngine();
  await createStackOf(stack, env);
  const made =
    password === undefined ? [["snapshotPassword", randomBytes(passwordBytes).toString("hex")] as const] : [];
  for (const [path, value] of [...values, ...made]) await setSecret(stack, env, path, value);
  const document = parseDocument(readFileSync(file, "utf8"));
  document.setIn(["config", "disinto:snapshots"], snapshots);
  writeFileSync(file, document.toString({ lineWidth: 0 }));
}

function prefixed(keys: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [`disinto:${key}`, value]));
}

/** On its standard input: arguments are there for all to see. */
async function setSecret(stack: string, env: Environment, path: string, value: string): Promise<void> {
  const { exitCode, stderr } = await execa(
    "pulumi",
    ["config", "set", "--secret", "--stack", stack, "--path", `disinto:${path}`],
    { cwd: paths.pulumiProject, env, input: value, reject: false },
  );
  if (exitCode !== 0) throw new UserError("pulumi-failed", `disinto:${path} cannot be encrypted:\n${stderr}`);
}
