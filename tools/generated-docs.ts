import { fieldAt, pathText } from "../config/fields.ts";
import {
  componentNames,
  containerName,
  containers,
  edgeStatePath,
  images,
  networkName,
  volumeName,
  volumes,
} from "../contract/names.ts";

/** A file of the docs, as it should be. */
export interface GeneratedDoc {
  /** Relative to the project. */
  file: string;
  content: string;
}

/** Everything in the docs that is derived from code. `read` gives the present content of a file. */
export function generatedDocs(read: (file: string) => string): GeneratedDoc[] {
  return [
    { file: "docs/config.md", content: configReference() },
    { file: "docs/dangers.md", content: dangers(read) },
    { file: "README.md", content: replaceBlock(read("README.md"), "topology", topology("disinto")) },
  ];
}

function configReference(): string {
  return `# Config reference

Generated from \`config/schema.ts\` by \`./factory docs\`.

Every key lives in \`Pulumi.<stack>.yaml\` under \`config:\`, with the prefix \`disinto:\`. Plain keys are set with
\`pulumi config set disinto:agentsImage v0.1.1\`, keys below another one with
\`pulumi config set --path 'disinto:edge.httpPort' 8080\`, secrets with \`pulumi config set --secret disinto:forgeToken\`,
which asks for the value, and secrets below a key with
\`pulumi config set --secret --path 'disinto:agentSecrets.ANTHROPIC_API_KEY'\`. An unknown key is an error, as is a secret in plain text.

| key | what it is | allowed | default |
| --- | --- | --- | --- |
${rows([]).join("\n")}
`;
}

function rows(path: PropertyKey[]): string[] {
  const field = fieldAt(path);
  return (field?.keys ?? []).flatMap((key) => {
    const below = [...path, key];
    const child = fieldAt(below);
    if (child === undefined || child.keys.length > 0) return rows(below);
    const byDefault = child.byDefault === undefined ? (child.docs?.unset ?? "none") : code(child.byDefault);
    const cells = [`\`${pathText(below)}\``, child.docs?.description, child.docs?.allowed, byDefault];
    const row = `| ${cells.map((cell) => (cell ?? "").replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |`;
    return [row, ...rows([...below, 0])];
  });
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** Tests whose titles are the rows of docs/dangers.md: `danger: what happens -> the way back`. */
const dangerTests = ["dangers", "dangers-pinned", "dangers-interrupted", "dangers-host", "images"];

function dangers(read: (file: string) => string): string {
  const sections = dangerTests.flatMap((name) => dangerSections(read(`test/e2e/${name}.test.ts`)));
  return `# Dangers to the data

Generated from the titles of the tests by \`./factory docs\`.

Each line is a test in \`test/e2e/\` that does it for real, on the real engine and a real daemon. Before, all five data volumes are
filled with files of several owners and modes and a git repository; afterwards every byte, owner and mode is there, in the same
volumes, and the way back leads to a healthy factory on which \`up\` has no changes. (The last table is about owners alone.)
\`./factory\` wants \`--stack\` where the stack is not \`dev\`, and asks where it is not told \`--yes\`.

${sections.join("\n")}`;
}

/** The tests of a file in the tables' form, below a heading for each `describe`. */
function dangerSections(source: string): string[] {
  const titles = [...source.matchAll(/^ *(describe|test)\(\s*"((?:[^"\\]|\\.)+)"/gm)];
  const sections: { heading: string; rows: string[] }[] = [];
  for (const [, kind, title = ""] of titles) {
    if (kind === "describe") sections.push({ heading: `${title[0]?.toUpperCase()}${title.slice(1)}`, rows: [] });
    const [, danger, outcome, back] = /^(.+?): (.+) -> (.+)$/.exec(title) ?? [];
    if (kind === "test" && danger !== undefined) sections.at(-1)?.rows.push(`| ${danger} | ${outcome} | ${back} |`);
  }
  return sections
    .filter(({ rows }) => rows.length > 0)
    .map(
      ({ heading, rows }) =>
        `## ${heading}\n\n| danger | what happens | the way back |\n| --- | --- | --- |\n${rows.join("\n")}\n`,
    );
}

/** The containers of a factory, their volumes and ports, as a Mermaid flowchart. */
function topology(factory: string): string {
  const nodes = componentNames.map((component) => `    ${component}["${containerName(factory, component)}"]`);
  const data = volumes.map((volume) => `  ${id(volume)}[("${volumeName(factory, volume)}")]`);
  const mounts = componentNames.flatMap((component) =>
    Object.entries(images[containers[component]]).map(
      ([path, volume]) => `  ${component} -- "${path}" --> ${id(volume)}`,
    ),
  );
  return [
    "```mermaid",
    "flowchart LR",
    '  people(("people")) -- "edge.httpPort, edge.httpsPort" --> edge',
    `  subgraph ${id(networkName(factory))}["network ${networkName(factory)}"]`,
    ...nodes,
    "  end",
    ...data,
    ...mounts,
    `  edge -. "${edgeStatePath}, read-only" .-> state`,
    "```",
  ].join("\n");
}

/** Mermaid reads a node's id as a word. */
function id(name: string): string {
  return name.replaceAll(/\W/g, "_");
}

function replaceBlock(text: string, name: string, content: string): string {
  const block = new RegExp(`(<!-- generated: ${name} -->\n)[\\s\\S]*?(\n<!-- end -->)`);
  if (!block.test(text)) throw new Error(`README.md has lost the marks around its generated ${name}`);
  return text.replace(block, (_, before, after) => `${before}${content}${after}`);
}
