export interface Deployment {
  directory: string;
  project: string;
  compose: "v1" | "v2" | "none";
  services: Service[];
  projects: { name: string; file: string; repo?: string; forgeUrl?: string }[];
  variables: Record<string, string>;
  unread: string[];
}
export interface Service {
  name: string;
  role:
    | { kind: "agents" }
    | { kind: "runner" }
    | { kind: "reproduce" }
    | { kind: "edge" }
    | { kind: "hired"; agent: string }
    | { kind: "other" };
  image: { kind: "build" } | { kind: "registry"; reference: string };
  containers: FoundContainer[];
  mounts: Mount[];
  environment: Record<string, string>;
  ports: { host: number; container: number }[];
  networks: string[];
  difference: string[];
}
export interface FoundContainer {
  id: string;
  name: string;
  running: boolean;
  startedAt: string;
  imageId: string;
  imageReference: string;
  oneOff: boolean;
  restart: string;
}
export type Mount =
  | { kind: "volume"; target: string; name: string; readOnly: boolean }
  | { kind: "anonymous"; target: string; name: string; readOnly: boolean }
  | { kind: "bind"; target: string; source: string; readOnly: boolean; what: "file" | "directory" | "missing" }
  | { kind: "tmpfs"; target: string };
