import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { runError } from "../components/run-error.ts";
import { type FactoryConfig, parseConfig } from "../config/parse.ts";
import { ConfigError, formatProblems } from "../config/problem.ts";
import type { configSchema, secretKeys } from "../config/schema.ts";

/** What the factory command does around an `up`: a program of somebody's own has none of it. */
type OfCommand = "verifyImages" | "keepReleases" | "mirrors" | "snapshots";

/**
 * A factory in the words of docs/config.md, without the secrets: those are arguments of `Factory` and `createDockerHost`,
 * which take outputs.
 */
export type FactoryOptions = Omit<z.input<typeof configSchema>, (typeof secretKeys)[number] | OfCommand>;

/**
 * Checks options and fills in the defaults.
 *
 * @example
 * const config = factoryConfig({ factoryName: "website", release: "v0.1.1", edge: { httpPort: 8080, httpsPort: 8443 } });
 * @throws RunError with everything that is wrong, which Pulumi shows without a stack trace
 */
export function factoryConfig(options: FactoryOptions = {}): FactoryConfig {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const values = Object.fromEntries(
    given.map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  );
  try {
    return parseConfig({ stack: pulumi.getStack(), values, secrets: new Set() });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // The fixes are commands on a stack's file, which is not where these come from.
    const problems = error.problems.map(({ fix, ...problem }) => problem);
    throw runError(error.code, formatProblems("The options of the factory have", problems));
  }
}
