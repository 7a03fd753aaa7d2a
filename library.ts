/** The parts of a factory, for a Pulumi program of one's own (docs/library.md). */
export { createDockerHost, type DockerHostArgs } from "./components/docker-host.ts";
export { Factory, type FactoryArgs } from "./components/factory.ts";
export type { FactoryConfig } from "./config/parse.ts";
export type { ImageReference, PinnedReference } from "./images/reference.ts";
export type { BuiltImage, ImageSource, PinnedImage, RegistryImage, RunnableImage } from "./images/source.ts";
export { type FactoryOptions, factoryConfig } from "./program/options.ts";
export { resolveDigests } from "./program/resolve-digests.ts";
