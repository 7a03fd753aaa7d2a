import { stringify } from "yaml";
import { formatBytes } from "../../data/space.ts";
import { oldName } from "../carry-out/old-containers.ts";
import { formatPlace } from "../place.ts";
import type { Content } from "./contents.ts";
import type { DataStep, Plan } from "./plan.ts";

/** What lies in a place, in a few words: `1.2 MB in 31 files, the last of 2026-11-28`. */
export function formatContent(content: Content | undefined): string {
  if (content === undefined || content.files === 0) return "no files";
  const files = content.files === 1 ? "1 file" : `${content.files} files`;
  const newest =
    content.newest === undefined ? "" : `, the last of ${content.newest.toISOString().slice(0, 16).replace("T", " ")}`;
  const root = content.ofRoot === 0 ? "" : `, ${content.ofRoot} of root's`;
  const names = content.names.length === 0 ? "" : `: ${content.names.join(" ")}`;
  return `${formatBytes(content.bytes)} in ${files}${newest}${root}${names}`;
}

/** The plan for people, without a trailing newline. */
export function formatPlan(plan: Plan): string {
  const { project, from, factory, stack, old, kept, data, config, secrets, notes, questions } = plan;
  return [
    `Compose project ${project} of ${from} becomes factory ${factory}, stack ${stack}:`,
    ...section(
      "Stopped and kept, under another name",
      old.map(({ name, service }) => `${name} (${service}) as ${oldName(name)}`),
    ),
    ...section(
      "Left alone",
      kept.map(({ name, service }) => `${name} (${service})`),
    ),
    ...section("Data", data.map(formatStep)),
    ...section(`Pulumi.${stack}.yaml`, stringify(config).trimEnd().split("\n")),
    ...section("Secrets, encrypted into it", secrets),
    ...section("To be known", notes),
    ...section(
      "Has to be said first",
      questions.flatMap(({ asks, answers }) => [asks, ...answers.map((answer) => `  ${answer}`)]),
    ),
  ].join("\n");
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function formatStep({ volume, source, says }: DataStep): string {
  switch (source.kind) {
    case "adopt":
      return `${volume} stays where it is (${says})`;
    case "copy":
      return `${volume} is copied from ${formatPlace(source.from)} (${says})`;
    case "new":
      return `${volume} is new, as ${says}`;
  }
}
