import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generatedDocs } from "../../tools/generated-docs.ts";

const read = (file: string) => readFileSync(file, "utf8");

test.each(generatedDocs(read))("$file is up to date (./factory docs writes it)", ({ file, content }) => {
  expect(read(file)).toBe(content);
});
