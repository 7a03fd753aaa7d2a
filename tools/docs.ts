import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { paths } from "../lib/paths.ts";
import { generatedDocs } from "./generated-docs.ts";

export function registerDocs(program: Command): void {
  program
    .command("docs")
    .description("write the generated docs anew: docs/config.md, docs/dangers.md, the README's picture of the topology")
    .action(() => {
      for (const { file, content } of generatedDocs((name) => readFileSync(join(paths.project, name), "utf8"))) {
        writeFileSync(join(paths.project, file), content);
        console.log(`wrote ${file}`);
      }
    });
}
