import * as pulumi from "@pulumi/pulumi";
import { runError } from "../components/run-error.ts";
import { type FactoryConfig, parseConfig, type RawConfig } from "../config/parse.ts";
import { ConfigError } from "../config/problem.ts";

const namespace = "disinto:";

// The SDK has this function, and leaves it out of its declarations: `Config.requireSecret` never asks.
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

/**
 * The config of the stack the program runs for.
 * @throws RunError with everything that is wrong, which Pulumi shows without a stack trace
 */
export function loadConfig(): FactoryConfig {
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(namespace));
  const raw: RawConfig = {
    stack: pulumi.getStack(),
    values: Object.fromEntries(own.map(([key, value]) => [bare(key), value])),
    secrets: new Set(
      own
        .map(([key]) => key)
        .filter(isConfigSecret)
        .map(bare),
    ),
  };
  try {
    return parseConfig(raw);
  } catch (error) {
    throw error instanceof ConfigError ? runError(error.code, error.message) : error;
  }
}

function bare(key: string): string {
  return key.slice(namespace.length);
}

/**
 * Ends this program when a pulumi that was killed reads its output no more: the SDK would log that it cannot log, for ever, and
 * in ever more memory.
 */
export function endWithPulumi(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(1));
}

/**
 * Leaves stack traces as they are. The SDK takes one for every promise, and looks up the lines of its own sources for each: a third
 * of this program's time. Node takes types away in place, so there is nothing to look up for ours.
 */
export function keepStackTraces(): void {
  Reflect.deleteProperty(Error, "prepareStackTrace");
}
