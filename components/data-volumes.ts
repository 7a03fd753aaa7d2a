import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { ownVolumes, type VolumeKey, volumeName, volumes } from "../contract/names.ts";
import { factoryLabels } from "./labels.ts";

export interface DataVolumesArgs {
  factory: string;
  /** Refuse any change that would let go of a volume; those of a hired agent go with it, and stay on the host. */
  protect: boolean;
  /** Names of the hired agents. */
  hired: readonly string[];
}

/**
 * The named volumes people's data lives in. Nothing the program does deletes one: whatever takes a volume out of the
 * state (destroy, a rename, a replacement) leaves it on the host, and a volume that exists is adopted as it is.
 */
export class DataVolumes extends pulumi.ComponentResource {
  /** Names of the volumes on the host. */
  private readonly names: Partial<Record<VolumeKey, pulumi.Output<string>>>;

  constructor(name: string, args: DataVolumesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:DataVolumes", name, {}, opts);
    const { factory, protect, hired } = args;
    this.names = Object.fromEntries([
      ...volumes.map((key) => [key, this.volume(key, factory, protect)]),
      ...hired.flatMap(ownVolumes).map((key) => [key, this.volume(key, factory, false)]),
    ]);
    this.registerOutputs({ names: this.names });
  }

  nameOf(key: VolumeKey): pulumi.Output<string> {
    const name = this.names[key];
    if (name === undefined) throw new Error(`the factory has no volume ${key}`);
    return name;
  }

  private volume(key: VolumeKey, factory: string, protect: boolean): pulumi.Output<string> {
    const volume = new docker.Volume(
      key,
      { name: volumeName(factory, key), labels: factoryLabels(factory) },
      // A volume of docker compose has labels of its own; the provider would delete and remake it for ours.
      { parent: this, protect, retainOnDelete: true, ignoreChanges: ["labels", "driver", "driverOpts"] },
    );
    return volume.name;
  }
}
