import type { Environment } from "../setup/index.ts";
import type { StackFile } from "./stack-file.ts";

/** A stack that is ready for `pulumi` to work on. */
export interface Workspace extends StackFile {
  /** Environment in which a plain `pulumi` finds its engine, its backend and its passphrase. */
  env: Environment;
  /** File with the config, where it is not the stack's own. */
  configFile?: string;
}
