import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { execa } from "execa";
import type { Registry } from "./reference.ts";

/** What logs in to registries. */
export interface Logins {
  /** The registry that the token is for, and its user. */
  registry: Registry & { username: string };
  registryToken?: string;
  /** Docker's config.json. @default none: other registries are read without a login */
  dockerLogin?: string | undefined;
}

/** The part of Docker's config.json that is about logins. */
interface DockerConfig {
  auths?: Record<string, { auth?: string }>;
  /** Programs that know the login of one registry. */
  credHelpers?: Record<string, string>;
  /** The program that knows all others. */
  credsStore?: string;
}

/** Under which address logins of Docker Hub are kept. */
const hub = "https://index.docker.io/v1/";

/**
 * The login for a registry, encoded, as the Docker provider finds it: the token for its own registry, Docker's login for
 * the others. Undefined where there is none.
 */
export async function findLogin(
  server: string,
  { registry, registryToken, dockerLogin }: Logins,
): Promise<string | undefined> {
  if (server === registry.server && registryToken !== undefined) return encodeLogin(registry.username, registryToken);
  return dockerLogin === undefined ? undefined : readDockerLogin(server, dockerLogin);
}

/** A user and a password, as registries take them: `user:password` in base64. */
export function encodeLogin(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString("base64");
}

/**
 * The login that Docker's config.json has for a registry, encoded; undefined where there is none.
 * @param file may begin with `~/`
 */
export async function readDockerLogin(server: string, file: string): Promise<string | undefined> {
  const config: DockerConfig = JSON.parse(await readFile(file.replace(/^~(?=\/)/, homedir()), "utf8"));
  const address = server === "docker.io" ? hub : server;
  const helper = config.credHelpers?.[address] ?? config.credsStore;
  if (helper) return askHelper(helper, address);
  const { auths = {} } = config;
  const written = Object.keys(auths).find((key) => hostOf(key) === hostOf(address));
  return written === undefined ? undefined : auths[written]?.auth;
}

async function askHelper(helper: string, address: string): Promise<string | undefined> {
  const { exitCode, stdout } = await execa(`docker-credential-${helper}`, ["get"], { input: address, reject: false });
  if (exitCode !== 0) return undefined;
  const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
  return encodeLogin(Username, Secret);
}

/** Addresses were written with scheme and path once, as Docker Hub's still is. */
function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
