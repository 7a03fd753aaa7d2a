import { Command, CommanderError } from "commander";
import { ConfigError } from "../config/problem.ts";
import { errorLine } from "../contract/error-codes.ts";
import { codeOf, UserError } from "../contract/user-error.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { isPackage } from "../lib/program-files.ts";
import { registerCheck } from "../tools/check.ts";
import { registerDocs } from "../tools/docs.ts";
import { registerTest } from "../tools/test.ts";
import { registerAdopt } from "./adopt.ts";
import { registerDeleteData } from "./delete-data.ts";
import { registerDestroy } from "./destroy.ts";
import { registerEnv } from "./env.ts";
import { registerHistory } from "./history.ts";
import { registerInit } from "./init.ts";
import { registerMigrate } from "./migrate.ts";
import { registerPreview } from "./preview.ts";
import { registerPruneRegistry } from "./prune-registry.ts";
import { registerPulumi } from "./pulumi.ts";
import { registerRelease } from "./release.ts";
import { registerRestore } from "./restore.ts";
import { registerRollback } from "./rollback.ts";
import { registerSetup } from "./setup.ts";
import { registerSnapshot } from "./snapshot.ts";
import { registerSnapshots } from "./snapshots.ts";
import { registerStatus } from "./status.ts";
import { registerUp } from "./up.ts";

const program = new Command("factory")
  .description("Runs a factory of AI agents on Docker: a convenience over Pulumi, which can do all of it too.")
  .addHelpText(
    "after",
    `\nExit codes: 0 done, 1 failed, 2 asked or configured wrongly.\nColours respect NO_COLOR. Every verb explains itself: ${factoryCommand} up --help`,
  )
  .showHelpAfterError(`(${factoryCommand} --help lists the verbs)`)
  .exitOverride();

/** What works on the sources. */
const ofCheckouts = [registerTest, registerCheck, registerDocs];

for (const register of [
  registerInit,
  registerMigrate,
  registerUp,
  registerAdopt,
  registerPreview,
  registerRollback,
  registerHistory,
  ...(isPackage ? [] : [registerRelease]), // of what is in git
  registerPruneRegistry,
  registerSnapshot,
  registerSnapshots,
  registerRestore,
  registerStatus,
  registerDestroy,
  registerDeleteData,
  registerSetup,
  registerEnv,
  registerPulumi,
  ...(isPackage ? [] : ofCheckouts),
]) {
  register(program);
}

// Whoever reads may have seen enough: ./factory history | head
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 1));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Says what went wrong; returns the exit code that means it. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code !== "commander.help") console.error(errorLine("usage"));
    return 2;
  }
  if (error instanceof Error && error.name === "ExitPromptError")
    return explain(new UserError("cancelled", "Interrupted."));
  const [message, exitCode] = known(error);
  if (message !== "") console.error(`${message}\n${errorLine(codeOf(error))}`);
  return exitCode;
}

function known(error: unknown): [message: string, exitCode: number] {
  if (error instanceof UserError) return [error.shown, error.exitCode];
  if (error instanceof ConfigError) return [error.message, 2];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error), 1];
}
