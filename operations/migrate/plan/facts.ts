import type { Content } from "./contents.ts";

/** A volume on the Docker host. */
export interface VolumeFact {
  name: string;
  createdAt: string;
  isAnonymous: boolean;
  /** Names of the containers that mount it. */
  users: string[];
  /** The migration that made it, where one did. */
  migration?: string;
  /** The factory whose it is, where it was made for one. */
  factory?: string;
}

/** What the Docker host tells beside the deployment itself. */
export interface Facts {
  volumes: VolumeFact[];
  /** By the text of the place. */
  contents: Map<string, Content>;
  /** Bytes free where Docker keeps volumes. */
  free: number;
  /** Port on the host, and the container that has it. */
  ports: Map<number, string>;
  /** Names of the factories that have containers here. */
  factories: Set<string>;
}
