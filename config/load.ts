import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./error.ts";
import { type FactoryConfig, parseConfig, type RawConfig } from "./parse.ts";
import { runError } from "./run-error.ts";

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
 * Lets this program trust whom the engine trusts, where Node is able to (from 22.19 on). A file that holds no certificates
 * is for the engine to complain of.
 */
export function trustCertificateFile(): void {
  const { SSL_CERT_FILE } = process.env;
  if (!SSL_CERT_FILE) return;
  try {
    tls.setDefaultCACertificates?.([readFileSync(SSL_CERT_FILE, "utf8")]);
  } catch {}
}

/** Docker's config.json of whoever runs this, as a path that is the same on every machine where it can be. */
export function dockerLogin(): string | undefined {
  const { DOCKER_CONFIG } = process.env;
  if (DOCKER_CONFIG) return ifThere(join(DOCKER_CONFIG, "config.json"));
  return ifThere(join(homedir(), ".docker/config.json")) && "~/.docker/config.json";
}

function ifThere(file: string): string | undefined {
  return existsSync(file) ? file : undefined;
}
