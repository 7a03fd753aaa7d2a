import input from "@inquirer/input";
import { UserError } from "../../contract/user-error.ts";
import { givenVariables } from "../../pulumi/kept-secrets.ts";

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

export const questions: Record<keyof Answers, Question> = {
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

export async function ask(given: Partial<Answers>): Promise<Answers> {
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
