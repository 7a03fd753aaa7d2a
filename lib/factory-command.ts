import { isPackage } from "./program-files.ts";

/** How people call this program, as messages say it: in a checkout, by npx, or installed. */
export function factoryCommandOf(packaged: boolean, env: NodeJS.ProcessEnv): string {
  if (!packaged) return "./factory";
  const { npm_lifecycle_event: event, npm_config_package: spec = "" } = env;
  return event === "npx" && /^[\w./@:-]+$/.test(spec) ? `npx --package ${spec} factory` : "factory";
}

export const factoryCommand: string = factoryCommandOf(isPackage, process.env);

/** pulumi, for people who may have none on PATH. */
export const pulumiCommand = `${factoryCommand} pulumi --`;
