import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type ImageName, images, localImageName } from "../contract/names.ts";
import { buildOf, embeddedSource } from "../images/build.ts";
import { formatReference } from "../images/reference.ts";
import type { BuiltImage, PinnedImage, RunnableImage } from "../images/source.ts";
import { createGate } from "./gates/gate.ts";
import type { ImageLabels } from "./labels.ts";

export interface FactoryImageArgs {
  factory: string;
  /** Address of the Docker daemon. */
  dockerHost: string;
  image: ImageName;
  source: RunnableImage;
}

/** One of the factory's images: pulled from a registry, or built on the Docker host. */
export class FactoryImage extends pulumi.ComponentResource {
  /** ID of the image (`sha256:...`), which is what containers run. */
  readonly id: pulumi.Output<string>;
  readonly labels: ImageLabels;
  /** Stands for the image being fit to run: no container is touched before it. */
  readonly checked: pulumi.Resource;

  constructor(name: string, args: FactoryImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:FactoryImage", name, {}, opts);
    this.labels = labelsOf(args.source);
    this.id = args.source.kind === "registry" ? this.pull(name, args.source) : this.build(name, args, args.source);
    this.checked = this.check(args);
    this.registerOutputs({ id: this.id });
  }

  /** By digest: the daemon never pulls a tag again that it has, and a tag can move. */
  private pull(name: string, { reference }: PinnedImage): pulumi.Output<string> {
    return new docker.RemoteImage(name, { name: formatReference(reference), keepLocally: true }, { parent: this })
      .imageId;
  }

  private build(name: string, args: FactoryImageArgs, source: BuiltImage) {
    const image = new docker.Image(
      name,
      {
        imageName: localImageName(args.factory, args.image),
        skipPush: true,
        build: buildOf(args.image, source, localVersion),
      },
      { parent: this },
    );
    return image.repoDigest;
  }

  /** Again where the contract changes: the same image can be unfit for another one. */
  private check({ factory, image, dockerHost, source }: FactoryImageArgs): pulumi.Resource {
    const { id, labels } = this;
    const reference = source.kind === "build" ? pulumi.interpolate`${labels.reference}, ${id},` : labels.reference;
    return createGate(
      `${image}-volumes`,
      {
        gate: "volumes",
        dockerHost,
        parameters: { factory, image, reference, id },
        triggers: [id, ...Object.keys(images[image])],
      },
      { parent: this },
    );
  }
}

function labelsOf(source: RunnableImage): ImageLabels {
  if (source.kind === "build") return { reference: `build:${source.source ?? embeddedSource}`, version: localVersion };
  const { tag, digest } = source.reference;
  return { reference: formatReference(source.reference), version: tag ?? digest };
}

const localVersion = "dev";
