import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type VolumeKey, volumeName, volumes } from "./contract.ts";
import { factoryLabels } from "./labels.ts";

export interface DataVolumesArgs {
  factory: string;
  /** Refuse any change that would let go of a volume. */
  protect: boolean;
}

/**
 * The named volumes people's data lives in. Nothing the program does deletes one: whatever takes a volume out of the
 * state (destroy, a rename, a replacement) leaves it on the host, and a volume that exists is adopted as it is.
 */
export class DataVolumes extends pulumi.ComponentResource {
  /** Names of the volumes on the host. */
  readonly names: Record<VolumeKey, pulumi.Output<string>>;

  constructor(name: string, args: DataVolumesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:DataVolumes", name, {}, opts);
    this.names = Object.fromEntries(volumes.map((key) => [key, this.volume(key, args)])) as DataVolumes["names"];
    this.registerOutputs({ names: this.names });
  }

  private volume(key: VolumeKey, { factory, protect }: DataVolumesArgs): pulumi.Output<string> {
    const volume = new docker.Volume(
      key,
      { name: volumeName(factory, key), labels: factoryLabels(factory) },
      // A volume of docker compose has labels of its own; the provider would delete and remake it for ours.
      { parent: this, protect, retainOnDelete: true, ignoreChanges: ["labels", "driver", "driverOpts"] },
    );
    return volume.name;
  }
}
