import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";

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
