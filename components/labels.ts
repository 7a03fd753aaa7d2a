import { type ComponentName, labelKeys } from "../contract/names.ts";

/** A label as the Docker provider takes it. */
export interface Label {
  label: string;
  value: string;
}

/** Labels of what belongs to the factory as a whole: network and volumes. */
export function factoryLabels(factory: string): Label[] {
  return [{ label: labelKeys.factory, value: factory }];
}

/** Labels of a container: whose it is, what it is, and what runs in it. */
export function containerLabels(factory: string, component: ComponentName, image: ImageLabels): Label[] {
  return [
    ...factoryLabels(factory),
    { label: labelKeys.component, value: component },
    { label: labelKeys.image, value: image.reference },
    { label: labelKeys.version, value: image.version },
  ];
}

/** What the labels say of an image. */
export interface ImageLabels {
  /** The reference with its digest, however it was configured; `build:` and the source for a local build. */
  reference: string;
  /** Tag or digest of the reference; `dev` for a local build. */
  version: string;
}
