import type { Place } from "../place.ts";

/** What people said where the deployment alone does not tell. */
export interface Answers {
  /** Version of the images. @default the version that runs */
  release?: string;
  /** Where the images lie: `ghcr.io/disinto`. @default where the running ones come from */
  registry?: string;
  registryUser?: string;
  /** The factory's name. @default the project's */
  name?: string;
  httpPort?: number;
  httpsPort?: number;
  /** Where the data of a volume lies; `empty` where there is none. */
  data: Record<string, Place | "empty">;
  /** Restic's repository for the snapshot. @default /var/backups/ and the factory's name */
  snapshots?: string;
}

/** Where the data of one of the factory's volumes comes from. */
export interface DataStep {
  /** The volume without the factory's prefix: `agent-data`. */
  key: string;
  /** Its name on the host. */
  volume: string;
  source: { kind: "adopt" } | { kind: "copy"; from: Place } | { kind: "new" };
  /** Whether its files are the agents' (uid 1000), where root has made them. */
  ofAgents: boolean;
  /** What is known of it, for people to read. */
  says: string;
}

/** A container of the deployment that the factory takes the place of. */
export interface OldContainer {
  id: string;
  name: string;
  service: string;
  running: boolean;
  /** Docker's restart policy. */
  restart: string;
}

/** A container of the deployment that stays, and runs on. */
export interface KeptContainer {
  id: string;
  name: string;
  service: string;
  running: boolean;
  startedAt: string;
}

/** Something that has to be said before anything is done. */
export interface Question {
  asks: string;
  /** The flags that answer it, each as it is typed. */
  answers: string[];
}

/** How a compose deployment becomes a factory; nothing in it is secret. */
export interface Plan {
  from: string;
  project: string;
  stack: string;
  factory: string;
  /** Address of the Docker daemon. */
  host: string;
  /** Keys of the stack's file below `disinto:`, but for the secrets. */
  config: Record<string, unknown>;
  /** Paths of the secrets: `forgeToken`, `agentSecrets.ANTHROPIC_API_KEY`. */
  secrets: string[];
  data: DataStep[];
  old: OldContainer[];
  kept: KeptContainer[];
  notes: string[];
  questions: Question[];
}
