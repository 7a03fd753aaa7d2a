import { execa } from "execa";
import type { GateParameters, ReleasedImage } from "../contract/gates.ts";
import { componentOf, containerName, type ImageName, labelKeys } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { inspect } from "../host/docker.ts";
import { projectDirectory } from "../lib/program-files.ts";

/**
 * Runs a command of the people's own before or after the images change, with the versions in its environment:
 * `FACTORY_AGENTS_FROM` (empty where nothing runs; after, what runs now), `FACTORY_AGENTS_TO`, and so on.
 * @throws UserError where the one before fails; the one after comes too late for that
 */
export async function runHook(host: string, parameters: GateParameters<"hook">): Promise<void> {
  const { factory, stack, when, command } = parameters;
  if (command === "") return;
  const env = { FACTORY_NAME: factory, FACTORY_STACK: stack, ...(await readVersions(host, parameters)) };
  const { exitCode, all } = await execa("sh", ["-c", command], {
    cwd: projectDirectory(),
    env,
    all: true,
    stdin: "ignore",
    reject: false,
  });
  if (exitCode === 0) return;
  const failed = `The hook ${when} the upgrade (disinto:hooks.${when}) failed: ${command}\n${all}`;
  if (when === "after") return console.log(failed);
  throw new UserError("hook-failed", `${failed}\nNothing that runs was touched.`);
}

/** The version that each image's container has, and the one it is to have. */
async function readVersions(
  host: string,
  { factory, images }: GateParameters<"hook">,
): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const { image, version } of JSON.parse(images) as ReleasedImage[]) {
    versions[`FACTORY_${image.toUpperCase()}_FROM`] = (await readVersion(host, factory, image)) ?? "";
    versions[`FACTORY_${image.toUpperCase()}_TO`] = version;
  }
  return versions;
}

async function readVersion(host: string, factory: string, image: ImageName): Promise<string | undefined> {
  const name = containerName(factory, componentOf(image));
  const [container] = await inspect<{ Config: { Labels: Record<string, string> } }>(host, "container", [name]);
  return container?.Config.Labels[labelKeys.version];
}
