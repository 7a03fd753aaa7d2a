/** What an image says of itself. */
export interface ImageConfig {
  Volumes?: Record<string, object> | null;
  Labels?: Record<string, string> | null;
  Healthcheck?: { Test?: string[] } | null;
}

/** The part of a manifest, or of a list of manifests, that is read here. */
export interface Manifest {
  config?: Descriptor;
  layers?: Descriptor[];
  /** Of a list: a manifest for each platform. */
  manifests?: (Descriptor & { platform?: { os: string; architecture: string } })[];
}

/** A pointer to content: `sha256:...`, with its size in bytes. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

/** A manifest as the registry keeps it: its bytes are what the digest is of. */
export interface StoredManifest {
  digest: string;
  mediaType: string;
  body: string;
}
