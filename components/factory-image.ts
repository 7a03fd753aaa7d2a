import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { baseImage } from "../config/base-image.ts";
import type { ImageSource } from "../config/parse.ts";
import { formatReference } from "../config/reference.ts";
import { type ImageName, localImageName } from "./contract.ts";
import type { ImageLabels } from "./labels.ts";

export interface FactoryImageArgs {
  factory: string;
  image: ImageName;
  source: ImageSource;
}

/** One of the factory's images: pulled from a registry, or built on the Docker host. */
export class FactoryImage extends pulumi.ComponentResource {
  /** ID of the image (`sha256:...`), which is what containers run. */
  readonly id: pulumi.Output<string>;
  readonly labels: ImageLabels;

  constructor(name: string, args: FactoryImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:FactoryImage", name, {}, opts);
    this.labels = labelsOf(args.source);
    this.id = args.source.kind === "registry" ? this.pull(name, args.source) : this.build(name, args, args.source);
    this.registerOutputs({ id: this.id });
  }

  private pull(name: string, { reference }: Extract<ImageSource, { kind: "registry" }>): pulumi.Output<string> {
    const image = new docker.RemoteImage(
      name,
      { name: formatReference(reference), keepLocally: true },
      { parent: this },
    );
    return image.imageId;
  }

  private build(name: string, args: FactoryImageArgs, source: Extract<ImageSource, { kind: "build" }>) {
    const image = new docker.Image(
      name,
      { imageName: localImageName(args.factory, args.image), skipPush: true, build: buildOf(args.image, source) },
      { parent: this },
    );
    return image.repoDigest;
  }
}

function labelsOf(source: ImageSource): ImageLabels {
  if (source.kind === "build") return { configured: `build:${source.source ?? embeddedSource}`, version: localVersion };
  const { tag, digest } = source.reference;
  return { configured: source.configured, version: tag ?? digest ?? "" };
}

const localVersion = "dev";

/** The Dockerfiles of this project, relative to it: pulumi runs there. */
const embeddedSource = "docker";

/** The context is the checkout, or `docker/` here; the Dockerfile is below its `docker/<image>`, or ours. */
function buildOf(image: ImageName, { source, platform, args }: Extract<ImageSource, { kind: "build" }>) {
  const embedded: Record<string, string> = source === undefined ? { BASE_IMAGE: baseImage, VERSION: localVersion } : {};
  return {
    context: source ?? embeddedSource,
    dockerfile: source === undefined ? `${embeddedSource}/${image}/Dockerfile` : `${source}/docker/${image}/Dockerfile`,
    args: { ...embedded, ...args },
    ...(platform === undefined ? {} : { platform }),
  };
}
