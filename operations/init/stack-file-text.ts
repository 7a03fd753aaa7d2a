import { stringify } from "yaml";
import { type Answers, questions } from "./answers.ts";

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
