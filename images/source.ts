import type { ImageReference, PinnedReference } from "./reference.ts";

/** An image that is pulled. */
export interface RegistryImage {
  kind: "registry";
  reference: ImageReference;
}

/** An image that is built on the Docker host. */
export interface BuiltImage {
  kind: "build";
  /** The checkout it is built from. @default this project */
  source?: string;
  platform?: string;
  args: Record<string, string>;
}

/** Where an image comes from. */
export type ImageSource = RegistryImage | BuiltImage;

/** An image that is pulled by its digest. */
export interface PinnedImage extends RegistryImage {
  reference: PinnedReference;
}

/** An image of which it is known what will run. */
export type RunnableImage = PinnedImage | BuiltImage;
