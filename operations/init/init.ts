import { existsSync, writeFileSync } from "node:fs";
import input from "@inquirer/input";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { dockerLogin, trustCertificateFile } from "../../lib/machine.ts";
import { type GivenKey, givenVariables } from "../../pulumi/kept-secrets.ts";
import { openEngine } from "../../pulumi/open.ts";
import { prepareStack } from "../../pulumi/stack-copy.ts";
import { parseStackFile, type StackFile, stackFileOf } from "../../pulumi/stack-file.ts";
import { type Answers, ask, complete } from "./answers.ts";
import { forgeProblem, imageProblems } from "./checks.ts";
import { stackFileText } from "./stack-file-text.ts";

export type InitOptions = Partial<Answers> & { stack: string };
type Tokens = Partial<Record<GivenKey, string>>;

export async function init({ stack, ...given }: InitOptions): Promise<void> {
  refuseExisting(stack);
  const terminal = process.stdin.isTTY === true;
  const answers = terminal ? await ask(given) : complete(given);
  const file = parseStackFile(stack, stackFileOf(stack), stackFileText(answers));
  const tokens = terminal ? await askTokens() : readTokens();
  trustCertificateFile();
  await refuseUnusable(file, tokens);
  const env = await openEngine();
  writeFileSync(file.file, file.text, { flag: "wx" });
  for (const [key, token] of Object.entries(tokens)) process.env[givenVariables[key as GivenKey]] = token;
  await prepareStack({ ...file, env });
  const kept = Object.keys(tokens).join(" and ");
  console.log(
    `Wrote Pulumi.${stack}.yaml; ${kept} encrypted in .factory/secrets.\nNext: ${factoryCommand} up --stack ${stack}`,
  );
}

function refuseExisting(stack: string): void {
  if (!existsSync(stackFileOf(stack))) return;
  throw new UserError(
    "stack-file-exists",
    `There is a Pulumi.${stack}.yaml already, which is not written over. Change it, or choose another --stack.`,
    2,
  );
}

function readTokens(): Tokens {
  const entries = Object.entries(givenVariables).map(([key, variable]) => [key, process.env[variable]?.trim()]);
  return Object.fromEntries(entries.filter(([, value]) => value));
}

/** On a terminal: those that the environment has not, without showing them. */
async function askTokens(): Promise<Tokens> {
  const tokens = readTokens();
  const hidden = { transformer: (value: string) => "*".repeat(value.length) };
  tokens.forgeToken ??= await input({
    message: "token of the factory's account on the forge:",
    required: true,
    ...hidden,
  });
  const registryToken =
    tokens.registryToken ?? (await input({ message: "token that reads images (empty for none):", ...hidden }));
  return { forgeToken: tokens.forgeToken.trim(), ...(registryToken.trim() && { registryToken: registryToken.trim() }) };
}

/** @throws UserError with all that forge and registry say against it */
async function refuseUnusable({ stack, config }: StackFile, tokens: Tokens): Promise<void> {
  const { images, registry, forge } = config;
  const login = dockerLogin();
  const logins = { registry, ...(tokens.registryToken && { registryToken: tokens.registryToken }) };
  const problems = [
    forge === undefined ? undefined : await forgeProblem(forge, tokens.forgeToken ?? ""),
    ...(await imageProblems(images, { ...logins, ...(login && { dockerLogin: login }) })),
  ].filter((problem) => problem !== undefined);
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `  ${problem}`).join("\n");
  throw new UserError("init-refused", `Pulumi.${stack}.yaml was not written:\n${lines}`);
}
