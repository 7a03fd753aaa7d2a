import { volumes } from "../../contract/names.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { type ConfigChanges, secretMark } from "../../pulumi/config-changes.ts";
import { lettingGo, type PreviewRun, type Step } from "../../pulumi/events.ts";
import { type Change, readComponents, readRestarts } from "./components.ts";

/** A preview, ready to be told. */
export interface Preview extends PreviewRun {
  stack: string;
  config: ConfigChanges;
  /** Values that must not be shown, whatever text they turn up in. */
  secrets: string[];
}

/** A forge takes about 65,000 characters in a comment. */
const longestDiff = 50_000;
const longestError = 8_000;

/** The preview as a comment for a pull request. The first line marks it, so that it can be found and edited in place. */
export function formatPreview(preview: Preview): string {
  const { stack, errors } = preview;
  const told = errors.length > 0 ? failed(preview) : succeeded(preview);
  const text = preview.secrets.reduce((shown, secret) => shown.replaceAll(secret, secretMark), told.join("\n"));
  return `<!-- factory preview: ${stack} -->\n${text}`;
}

function failed({ stack, errors, steps }: Preview): string[] {
  return [
    ...volumeDanger(steps),
    `### Factory \`${stack}\`: the preview failed`,
    "",
    "`up` would fail too. Nothing was changed.",
    "",
    ...fenced(bounded(errors.join("\n\n"), longestError)),
  ];
}

function succeeded(preview: Preview): string[] {
  const { stack, steps, config } = preview;
  const changed = steps.filter(({ op }) => op !== "same");
  if (changed.length === 0 && config.kind === "compared" && config.changes.length === 0) {
    return [`Factory \`${stack}\`: nothing to change.`];
  }
  return [
    ...volumeDanger(steps),
    `### Factory \`${stack}\`: ${changed.length === 0 ? "nothing to change but the config" : counted(changed)}`,
    "",
    ...componentTable(steps),
    ...readRestarts(steps),
    "",
    ...volumeSummary(steps),
    ...otherChanges(changed),
    "",
    ...configTable(config),
    "",
    ...folded("Full diff", bounded(preview.diff, longestDiff)),
  ];
}

function counted(changed: Step[]): string {
  const counts = ["create", "update", "replace", "delete"].flatMap((verb) => {
    const count = changed.filter(({ op }) => op === verb).length;
    return count === 0 ? [] : [`${count} to ${verb}`];
  });
  return counts.length === 0 ? `${changed.length} changes` : counts.join(", ");
}

function componentTable(steps: Step[]): string[] {
  const components = readComponents(steps);
  const changed = components.filter((component) => component.changed);
  const same = components.filter((component) => !component.changed);
  const cells = changed.map(({ component, image, version, digest, note }) =>
    row([component, change(image), change(version), `${change(digest)}${note === undefined ? "" : ` (${note})`}`]),
  );
  const table = ["| component | image | version | digest |", "| --- | --- | --- | --- |", ...cells, ""];
  return [
    ...(changed.length === 0 ? [] : table),
    ...(same.length === 0
      ? []
      : [`Same image: ${same.map(({ component, version }) => `${component} ${code(version.after)}`).join(", ")}.`, ""]),
  ];
}

function volumeSteps(steps: Step[]): Step[] {
  const order = (step: Step) => (volumes as readonly string[]).indexOf(step.name);
  return steps.filter(({ type, op }) => type === "Volume" && op !== "same").sort((a, b) => order(a) - order(b));
}

/** Loud and first: what lets go of a volume that holds people's data. */
function volumeDanger(steps: Step[]): string[] {
  const lost = lettingGo(volumeSteps(steps));
  if (lost.length === 0) return [];
  const allStay = lost.every(({ old }) => old?.retainOnDelete);
  return [
    "> [!CAUTION]",
    "> **This change lets go of data volumes: after it, the factory no longer sees the data in them.**",
    ">",
    ...lost.map((step) => `> - ${fate(step)}`),
    ">",
    `> Apply it only if that is meant. ${allStay ? "Their old names in the config take them up again, as they are." : "There is no way back."}`,
    "",
  ];
}

function fate({ old, new: wanted }: Step): string {
  const stays = old?.retainOnDelete ? "stays on the Docker host with its data, unused" : "**is DELETED with its data**";
  const follows = wanted === undefined ? "" : `; ${code(wanted.inputs.name)} takes its place, empty unless it exists`;
  return `${code(old?.inputs.name)} ${stays}${follows}`;
}

function volumeSummary(steps: Step[]): string[] {
  const touched = volumeSteps(steps);
  if (touched.length === 0) return ["Data volumes: untouched."];
  const names = (op: string) => touched.filter((step) => step.op === op).map((step) => code(nameOf(step)));
  const groups = [
    ["let go of (see above)", [...names("replace"), ...names("delete")]],
    ["changed in place, data kept", names("update")],
    ["new, or taken up with their data if the host has them", names("create")],
  ] as const;
  return groups.flatMap(([what, which]) => (which.length === 0 ? [] : [`Data volumes ${what}: ${which.join(", ")}.`]));
}

function nameOf({ old, new: wanted }: Step): unknown {
  return (old ?? wanted)?.inputs.name;
}

/** Components have sections of their own; a Command follows its image or container, and the Stack its resources. */
const toldElsewhere = ["Container", "Volume", "Image", "RemoteImage", "Command", "Stack"];

function otherChanges(changed: Step[]): string[] {
  const others = changed.filter(({ type, old, new: wanted }) => {
    const component = Object.keys((wanted ?? old)?.inputs ?? {}).length === 0;
    return !toldElsewhere.includes(type) && !component;
  });
  if (others.length === 0) return [];
  return [
    "",
    `Also: ${others
      .map(({ op, type, name }) => `${op} ${type} ${code(name)}`)
      .sort()
      .join(", ")}.`,
  ];
}

function configTable(config: ConfigChanges): string[] {
  if (config.kind === "never deployed") return ["Config: this stack was never deployed."];
  if (config.kind === "unknown") return ["Config: it cannot be compared with the last deployment's, see the diff."];
  if (config.changes.length === 0) return ["Config: the same as in the last deployment."];
  const rows = config.changes.map(({ key, before, after }) => {
    const replaced = before === secretMark && after === secretMark ? " (another value)" : "";
    return row([code(key), optional(before), `${optional(after)}${replaced}`]);
  });
  return ["| config key | deployed | now |", "| --- | --- | --- |", ...rows];
}

function optional(value: string | undefined): string {
  return value === undefined ? "not set" : code(value);
}

function change({ before, after }: Change): string {
  if (before === after) return code(after);
  return `${before === undefined ? "none" : code(before)} → ${after === undefined ? "none" : code(after)}`;
}

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Text as inline code, on one line and of a length a table can bear. */
function code(value: unknown): string {
  const line = String(value ?? "unknown")
    .replaceAll(/\s+/g, " ")
    .replaceAll("`", "'");
  return `\`${line.length > 120 ? `${line.slice(0, 119)}…` : line}\``;
}

function folded(title: string, text: string): string[] {
  return ["<details>", `<summary>${title}</summary>`, "", ...fenced(text), "", "</details>"];
}

/** A code block that no line of the text can close. */
function fenced(text: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}text`, text.trimEnd(), fence];
}

function bounded(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest)}\n... cut here, ${text.length - longest} characters follow: ${factoryCommand} preview --diff`;
}
