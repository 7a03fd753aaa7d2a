import { existsSync, writeFileSync } from "node:fs";
import input from "@inquirer/input";
import type { Command } from "commander";
import { stringify } from "yaml";
import { UserError } from "../contract/user-error.ts";
import { dockerLogin, trustCertificateFile } from "../lib/machine.ts";
import { forgeProblem, imageProblems } from "../operations/init/checks.ts";
import { type GivenKey, givenVariables } from "../pulumi/kept-secrets.ts";
import { openEngine } from "../pulumi/open.ts";
import { prepareStack } from "../pulumi/stack-copy.ts";
import { parseStackFile, type StackFile, stackFileOf } from "../pulumi/stack-file.ts";
import { stackOption } from "./options.ts";

/** What a stack's file is made of, as flags and questions say it. */
export interface Answers {
  release: string;
  forgeUrl: string;
  forgeRepo: string;
  name: string;
  registry: string;
  registryUser: string;
  httpPort: string;
  httpsPort: string;
}

interface Question {
  flag: string;
  value: string;
  says: string;
  /** @default none: it has to be answered */
  byDefault?: string;
}

const questions: Record<keyof Answers, Question> = {
  release: { flag: "--release", value: "version", says: "version of the images" },
  forgeUrl: { flag: "--forge-url", value: "address", says: "address of the forge" },
  forgeRepo: { flag: "--forge-repo", value: "owner/name", says: "repository whose issues the agents work on" },
  name: { flag: "--name", value: "name", says: "name of the factory", byDefault: "disinto" },
  registry: { flag: "--registry", value: "address", says: "where the images lie", byDefault: "ghcr.io/disinto" },
  registryUser: { flag: "--registry-user", value: "name", says: "user of the registry's token", byDefault: "factory" },
  httpPort: { flag: "--http-port", value: "port", says: "port for HTTP on the host", byDefault: "80" },
  httpsPort: { flag: "--https-port", value: "port", says: "port for HTTPS on the host", byDefault: "443" },
};

const keys = Object.keys(questions) as (keyof Answers)[];

type InitOptions = Partial<Answers> & { stack: string };
type Tokens = Partial<Record<GivenKey, string>>;

export function registerInit(program: Command): void {
  const command = program
    .command("init")
    .description("write the file of a new stack, and check its tokens: asks on a terminal, takes flags elsewhere")
    .addOption(stackOption("prod"))
    .addHelpText("after", "\nTokens come from the environment, FORGE_TOKEN and REGISTRY_READ_TOKEN, or are asked for.");
  for (const { flag, value, says, byDefault } of Object.values(questions)) {
    command.option(`${flag} <${value}>`, byDefault === undefined ? says : `${says} (default: ${byDefault})`);
  }
  command.action(init);
}

async function init({ stack, ...given }: InitOptions): Promise<void> {
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
    `Wrote Pulumi.${stack}.yaml; ${kept} encrypted in .factory/secrets.\nNext: ./factory up --stack ${stack}`,
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

/** The answers of flags and defaults alone. @throws UserError that names every flag that is missing */
export function complete(given: Partial<Answers>): Answers {
  const missing = keys.filter((key) => given[key] === undefined && questions[key].byDefault === undefined);
  const flags = missing.map((key) => `${questions[key].flag} <${questions[key].value}>`);
  const tokens = process.env[givenVariables.forgeToken] ? [] : [`${givenVariables.forgeToken} in the environment`];
  if (missing.length > 0 || tokens.length > 0) {
    throw new UserError("nobody-to-ask", `Nobody can be asked here. Missing: ${[...flags, ...tokens].join(", ")}.`, 2);
  }
  return Object.fromEntries(keys.map((key) => [key, given[key] ?? questions[key].byDefault])) as unknown as Answers;
}

async function ask(given: Partial<Answers>): Promise<Answers> {
  const answers: Partial<Answers> = { ...given };
  for (const key of keys) {
    const { says, byDefault } = questions[key];
    answers[key] ??= await input({ message: `${says}:`, required: byDefault === undefined, ...withDefault(byDefault) });
  }
  return answers as Answers;
}

function withDefault(byDefault: string | undefined): { default?: string } {
  return byDefault === undefined ? {} : { default: byDefault };
}

/** Only what differs from the defaults, which the docs have. */
export function stackFileText(answers: Answers): string {
  const { release, name, registryUser } = answers;
  const [server = "", ...namespace] = answers.registry.split("/");
  const registry = unlessDefault(["registry"], answers, { server, namespace: namespace.join("/") });
  const username = unlessDefault(["registryUser"], answers, { username: registryUser });
  const edge = unlessDefault(["httpPort", "httpsPort"], answers, {
    httpPort: numeric(answers.httpPort),
    httpsPort: numeric(answers.httpsPort),
  });
  const config = {
    ...unlessDefault(["name"], answers, { "disinto:factoryName": name }),
    "disinto:release": release,
    "disinto:forge": { url: answers.forgeUrl, repo: answers.forgeRepo },
    ...sectionOf("disinto:registry", { ...registry, ...username }),
    ...sectionOf("disinto:edge", edge),
  };
  return `# What is not here is as docs/config.md says. The tokens are elsewhere, encrypted.\n${stringify({ config })}`;
}

function unlessDefault(from: (keyof Answers)[], answers: Answers, section: object): object {
  return from.every((key) => answers[key] === questions[key].byDefault) ? {} : section;
}

function sectionOf(key: string, section: object): object {
  return Object.keys(section).length === 0 ? {} : { [key]: section };
}

/** What is no number stays as it is, for the config to refuse. */
function numeric(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
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
