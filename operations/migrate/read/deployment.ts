/** A docker compose deployment, as it is on its host: what a migration starts from. */
export interface Deployment {
  /** Absolute directory with the compose file. */
  directory: string;
  /** Compose's project name. */
  project: string;
  /** Which compose resolved the file; "none": there is no compose here, and only containers and their labels are known. */
  compose: "v1" | "v2" | "none";
  services: Service[];
  /** Of projects/*.toml. */
  projects: ProjectFile[];
  /** NAME -> value of .env as compose reads it, and of encrypted files that could be decrypted. Secrets: never print a value. */
  variables: Record<string, string>;
  /** What could not be read: a sentence each. */
  unread: string[];
}

/** A file of projects/*.toml. */
export interface ProjectFile {
  /** What the file says, else the file's own name. */
  name: string;
  /** Absolute. */
  file: string;
  repo?: string;
  forgeUrl?: string;
}

/** A service of the compose file, or one that only its containers are left of. */
export interface Service {
  /** As in the compose file. */
  name: string;
  role: Role;
  image: ServiceImage;
  /** Those that exist: running ones first, one-off ones last. */
  containers: FoundContainer[];
  /** Of the container where there is one that is no one-off, else of the file. */
  mounts: Mount[];
  /** NAME -> value, of the container (without what its image sets) where there is one that is no one-off, else of the file. */
  environment: Record<string, string>;
  /** Published ports. */
  ports: Port[];
  /** Names on the host; `host` for the host's own network. */
  networks: string[];
  /** Where the container differs from what the file says now, a sentence each. Names of variables, no values. */
  difference: string[];
}

/** What a service is to a factory. */
export type Role =
  | { kind: "agents" }
  | { kind: "runner" }
  | { kind: "reproduce" }
  | { kind: "edge" }
  | { kind: "hired"; agent: string }
  | { kind: "other" };

/** Built from a context on this host, or pulled. */
export type ServiceImage = { kind: "build" } | { kind: "registry"; reference: string };

export interface Port {
  host: number;
  container: number;
}

/** A container of a service. */
export interface FoundContainer {
  id: string;
  name: string;
  running: boolean;
  /** RFC 3339. */
  startedAt: string;
  imageId: string;
  /** As the container was created with. */
  imageReference: string;
  /** Made by `compose run`. */
  oneOff: boolean;
  /** Name of Docker's restart policy. */
  restart: string;
}

export type Mount =
  | { kind: "volume"; target: string; name: string; readOnly: boolean }
  /** A volume that nobody named (64 hex digits), be it of the file or of the image's VOLUME; "" where no container has it yet. */
  | { kind: "anonymous"; target: string; name: string; readOnly: boolean }
  | { kind: "bind"; target: string; source: string; readOnly: boolean; what: "file" | "directory" | "missing" }
  | { kind: "tmpfs"; target: string };
