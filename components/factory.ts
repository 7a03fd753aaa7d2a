import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { type ImageName, imageNames, networkName } from "../contract/names.ts";
import type { RunnableImage } from "../images/source.ts";
import { agentsSpec } from "./agents.ts";
import { Component } from "./component.ts";
import { DataVolumes } from "./data-volumes.ts";
import { edgeSpec } from "./edge.ts";
import { FactoryImage } from "./factory-image.ts";
import { createCanary } from "./gates/canary.ts";
import { createDrain } from "./gates/drain.ts";
import { createHook } from "./gates/hook.ts";
import { recordRelease } from "./gates/release.ts";
import { createSnapshot } from "./gates/snapshot.ts";
import { hiredSpec, secretVariables } from "./hired.ts";
import { factoryLabels } from "./labels.ts";
import { reproduceSpec } from "./reproduce.ts";
import { runnerSpec } from "./runner.ts";
import type { ContainerSpec, Surroundings } from "./spec.ts";

export type FactoryArgs = Omit<
  FactoryConfig,
  | "forgeToken"
  | "registryToken"
  | "snapshotPassword"
  | "agentSecrets"
  | "hiredSecrets"
  | "registry"
  | "images"
  | "build"
  | "mirrors"
> & {
  images: Record<ImageName, RunnableImage>;
  /** @default none: the agents start, and say in their heartbeat that they have no forge */
  forgeToken?: pulumi.Input<string> | undefined;
  /** Secret variables of the agents' container. @default none */
  agentSecrets?: Record<string, pulumi.Input<string>> | undefined;
  /** Secret variables of hired agents, by agent. @default none */
  hiredSecrets?: Record<string, Record<string, pulumi.Input<string>>> | undefined;
  /** Encrypts the snapshots. @default none: without it none are taken */
  snapshotPassword?: pulumi.Input<string> | undefined;
};

/**
 * A factory: its images, data volumes, network, the four containers, and those of hired agents.
 *
 * @example
 * const host = createDockerHost("docker-host", config);
 * const images = await resolveDigests(config.images, host);
 * new Factory("factory", { ...config, images }, { providers: { docker: host } });
 */
export class Factory extends pulumi.ComponentResource {
  /** ID of the image each component runs. */
  readonly imageIds: Record<ImageName, pulumi.Output<string>>;

  /** Step by step as an upgrade goes (docs/upgrades.md): what a step depends on is the step before it. */
  constructor(name: string, args: FactoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Factory", name, {}, opts);
    const { factoryName: factory, dockerHost, agents, hooks } = args;
    const hired = Object.keys(agents.hired);

    // 1. Images, 2. volume check.
    const images = this.makeImages(args);
    const checked = Object.values(images).map((image) => image.checked);
    const hook = { factory, dockerHost, images };
    const hooked = createHook({ ...hook, when: "before", command: hooks.before }, { parent: this, dependsOn: checked });

    // 3. Canary.
    const volumes = new DataVolumes("data", { factory, protect: isPinned(args), hired }, { parent: this });
    const specs = specsOf(args, images, volumes);
    const tried = this.tryOut([specs.agents, specs.edge], args, hooked);

    // 4. Snapshot. The network comes after it: containers go down with the one they are on.
    const safe = this.takeSnapshot(args, images, tried);
    const around = { factory, dockerHost, volumes, networkId: this.networkId(args, safe), before: safe };

    // 5. Drain.
    const working = [specs.agents, specs.runner, specs.reproduce];
    const drained = createDrain(
      "drain",
      { ...around, component: "agents", drain: agents.drain, containers: working },
      { parent: this, dependsOn: safe },
    );

    // 6. Replace.
    const replaced = this.replace(specs, around, drained, agents.drain);

    // 7. Record.
    const recorded = this.record(args, images, replaced);
    createHook({ ...hook, when: "after", command: hooks.after }, { parent: this, dependsOn: recorded });

    this.imageIds = { agents: images.agents.id, reproduce: images.reproduce.id, edge: images.edge.id };
    this.registerOutputs({ imageIds: this.imageIds });
  }

  private makeImages({ factoryName: factory, dockerHost, images }: FactoryArgs): Record<ImageName, FactoryImage> {
    const image = (key: ImageName, after: FactoryImage[] = []) =>
      new FactoryImage(
        `${key}-image`,
        { factory, dockerHost, image: key, source: images[key] },
        // Built at the same time, images would not share what they have in common, and Docker's cache would have two of it.
        { parent: this, dependsOn: images[key].kind === "build" ? after : [] },
      );
    const agents = image("agents");
    const reproduce = image("reproduce", [agents]);
    return { agents, reproduce, edge: image("edge", [agents, reproduce]) };
  }

  /** Each new image beside the container that runs. */
  private tryOut(specs: ContainerSpec[], args: FactoryArgs, after: pulumi.Resource): pulumi.Resource[] {
    const { factoryName: factory, dockerHost, network = networkName(factory) } = args;
    const opts = { parent: this, dependsOn: [after] };
    return specs.map((spec) => createCanary(spec, { factory, dockerHost, network }, opts));
  }

  /** What has to be there before anything that runs is touched: with snapshots on, one of them too. */
  private takeSnapshot(
    { factoryName: factory, dockerHost, agents, snapshots, snapshotPassword: password }: FactoryArgs,
    images: Record<ImageName, FactoryImage>,
    tried: pulumi.Resource[],
  ): pulumi.Resource[] {
    if (snapshots === undefined || password === undefined || !snapshots.beforeUpgrade) return tried;
    const args = { factory, dockerHost, hired: Object.keys(agents.hired), images, snapshots, password };
    return [createSnapshot("snapshot", args, { parent: this, dependsOn: tried })];
  }

  /** ID of the factory's network, or of one that somebody else looks after. */
  private networkId({ factoryName, network }: FactoryArgs, before: pulumi.Resource[]): pulumi.Output<string> {
    if (network !== undefined) return docker.getNetworkOutput({ name: network }, { parent: this }).id;
    const made = new docker.Network(
      "network",
      { name: networkName(factoryName), driver: "bridge", labels: factoryLabels(factoryName) },
      // Docker lets two networks have one name, and starts no container on them.
      { parent: this, dependsOn: before, deleteBeforeReplace: true },
    );
    return made.id;
  }

  /** Agents, runner and reproduce change together, once they are idle; the edge comes after the agents. */
  private replace(
    specs: Specs,
    around: Surroundings,
    drained: pulumi.Resource,
    drain: FactoryConfig["agents"]["drain"],
  ): Replaced {
    const afterwards = { ...around, before: [drained] };
    const agents = new Component({ ...afterwards, spec: specs.agents }, { parent: this });
    const runner = new Component({ ...afterwards, spec: specs.runner }, { parent: this });
    const reproduce = new Component({ ...afterwards, spec: specs.reproduce }, { parent: this });
    const edge = new Component({ ...around, spec: specs.edge }, { parent: this, dependsOn: agents });
    const hired = specs.hired.map((spec) => this.replaceHired(spec, around, drain, agents));
    return { agents, hired, runner, reproduce, edge };
  }

  /** A hired agent is touched once the factory's own agents are healthy, and it has finished what it is at. */
  private replaceHired(
    spec: ContainerSpec,
    around: Surroundings,
    drain: FactoryConfig["agents"]["drain"],
    after: Component,
  ): Component {
    const { component } = spec;
    const drained = createDrain(
      `drain-${component}`,
      { ...around, component, drain, containers: [spec] },
      { parent: this, dependsOn: after },
    );
    return new Component({ ...around, spec, before: [drained] }, { parent: this });
  }

  /** Once every component is there. */
  private record(
    { factoryName: factory, dockerHost, agents, images: sources }: FactoryArgs,
    images: Record<ImageName, FactoryImage>,
    replaced: Replaced,
  ): pulumi.Resource {
    const pulled = imageNames.filter((key) => sources[key].kind === "registry");
    const services = [replaced.agents, ...replaced.hired, replaced.edge];
    return recordRelease(
      "release-record",
      {
        factory,
        dockerHost,
        hired: Object.keys(agents.hired),
        images: Object.fromEntries(pulled.map((key) => [key, images[key]])),
        containers: services.map(({ container }) => container.id),
      },
      { parent: this, dependsOn: Object.values(replaced).flat() },
    );
  }
}

type Specs = ReturnType<typeof specsOf>;

interface Replaced {
  agents: Component;
  hired: Component[];
  runner: Component;
  reproduce: Component;
  edge: Component;
}

/** What the factory's containers are made of. */
function specsOf(args: FactoryArgs, images: Record<ImageName, FactoryImage>, volumes: DataVolumes) {
  const { factoryName: factory, agents, edge, forge, agentSecrets, hiredSecrets } = args;
  const { resources } = agents;
  const access = {
    ...(forge === undefined ? {} : { forge }),
    ...(args.forgeToken === undefined ? {} : { forgeToken: pulumi.secret(args.forgeToken) }),
  };
  const agent = { factory, image: images.agents, agents, ...access };
  return {
    agents: agentsSpec({ ...agent, secrets: secretVariables(agentSecrets) }),
    runner: runnerSpec({ factory, image: images.agents, resources }),
    reproduce: reproduceSpec({ factory, image: images.reproduce, resources, ...access }),
    edge: edgeSpec({ factory, volumes, image: images.edge, edge, forge }),
    hired: Object.entries(agents.hired).map(([name, hired]) =>
      hiredSpec({ ...agent, name, hired, secrets: secretVariables(hiredSecrets?.[name], { hired: name }) }),
    ),
  };
}

function isPinned({ images }: FactoryArgs): boolean {
  return Object.values(images).every((source) => source.kind === "registry");
}
