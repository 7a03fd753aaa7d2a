import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { programDirectory, projectDirectory } from "./program-files.ts";

/** Absolute paths of the program and of the project; everything the program itself writes lies under `own`. */
export interface Paths {
  /** Where the program's own files lie: the checkout, or the package. */
  program: string;
  /** Where the stacks' files lie: the checkout, or the directory that the package is used in. */
  project: string;
  /** Where pulumi runs, with its Pulumi.yaml: the project; with the package, a directory of its own. */
  pulumiProject: string;
  /** `.factory/`, mode 0700, not in git. */
  own: string;
  /** The sources Pulumi's programs are built from. */
  engineSources: string;
  /** Finished engines, one directory each, beside the unfinished ones (`*.partial`). */
  engines: string;
  /** PULUMI_HOME of an engine built here. */
  pulumiHome: string;
  /** The local state backend. */
  state: string;
  /** Copies of the stacks' files that Pulumi may write to. */
  stacks: string;
  /** Secrets that the environment gave, encrypted: a file for each stack. */
  secrets: string;
  /** What encrypts the secrets of the local state backend. */
  passphrase: string;
  /** Signatures of images that were verified: a file for each digest. */
  signatures: string;
  /** Logs of containers that failed, and are removed. */
  logs: string;
  /** Migrations from docker compose, each as far as it is. */
  migrations: string;
  /** Log of a Docker daemon started here. */
  dockerdLog: string;
  /** Locks of the set-up steps. */
  locks: string;
  /** What is built for the tests alone. */
  testTools: string;
}

/** All paths for a project and for the program that it is worked on with (both absolute). */
export function pathsOf(project: string, program = project): Paths {
  const own = join(project, ".factory");
  return {
    program,
    project,
    pulumiProject: program === project ? project : join(own, "project"),
    own,
    engineSources: join(program, "engine"),
    engines: join(own, "engine"),
    pulumiHome: join(own, "pulumi"),
    state: join(own, "state"),
    stacks: join(own, "stacks"),
    secrets: join(own, "secrets"),
    passphrase: join(own, "passphrase"),
    signatures: join(own, "signatures"),
    logs: join(own, "logs"),
    migrations: join(own, "migrations"),
    dockerdLog: join(own, "dockerd.log"),
    locks: join(own, "locks"),
    testTools: join(own, "test-tools"),
  };
}

/** The paths of this project. */
export const paths: Paths = pathsOf(projectDirectory(), programDirectory);

/** Makes `.factory/` (mode 0700: it holds a passphrase) and says where it is. */
export function makeOwnDirectory(of: Paths = paths): string {
  mkdirSync(of.own, { recursive: true });
  chmodSync(of.own, 0o700);
  return of.own;
}
