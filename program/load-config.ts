import * as pulumi from "@pulumi/pulumi";
import { runError } from "../components/run-error.ts";
import { type FactoryConfig, parseConfig } from "../config/parse.ts";
import { ConfigError } from "../config/problem.ts";
import type { RawConfig } from "../config/raw.ts";

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
