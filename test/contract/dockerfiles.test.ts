import { readFileSync } from "node:fs";
import { DockerfileParser, type JSONInstruction } from "dockerfile-ast";
import { describe, expect, test } from "vitest";
import { imageNames, images } from "../../contract/names.ts";

const folders = ["docker", "test/e2e/fixtures/tiny/docker"];

describe.each(folders)("%s", (folder) => {
  test.each(imageNames)("%s declares exactly the contract's VOLUMEs", (image) => {
    expect(volumesOf(`${folder}/${image}/Dockerfile`)).toEqual(Object.keys(images[image]).sort());
  });
});

describe("docker", () => {
  test.each([...imageNames, "snapshots"])("%s needs only the base image", (image) => {
    const dockerfile = DockerfileParser.parse(readFileSync(`docker/${image}/Dockerfile`, "utf8"));
    expect(dockerfile.getFROMs().map((from) => from.getImage())).toEqual([`\${BASE_IMAGE}`]);
  });
});

function volumesOf(file: string): string[] {
  const dockerfile = DockerfileParser.parse(readFileSync(file, "utf8"));
  const instructions = dockerfile.getInstructions().filter((instruction) => instruction.getKeyword() === "VOLUME");
  return instructions.flatMap((instruction) => pathsOf(instruction as JSONInstruction)).sort();
}

/** VOLUME takes a JSON list or plain words. */
function pathsOf(instruction: JSONInstruction): string[] {
  const list = instruction.getJSONStrings().map((string) => string.getJSONValue());
  return list.length > 0 ? list : instruction.getArguments().map((argument) => argument.getValue());
}
