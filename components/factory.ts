import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { FactoryConfig } from "../config/parse.ts";
import { hiredComponent, type ImageName, imageNames, networkName } from "../contract/names.ts";
import type { RunnableImage } from "../images/source.ts";
import { Agents, agentsSpec } from "./agents.ts";
import type { Surroundings } from "./container.ts";
import { DataVolumes } from "./data-volumes.ts";
import { Edge, edgeSpec } from "./edge.ts";
import { FactoryImage } from "./factory-image.ts";
import { createCanary } from "./gates/canary.ts";
import { createDrain } from "./gates/drain.ts";
import { createHook } from "./gates/hook.ts";
import { recordRelease } from "./gates/release.ts";
import { createSnapshot } from "./gates/snapshot.ts";
import { hiredSpec, secretVariables } from "./hired.ts";
import { factoryLabels } from "./labels.ts";
import { Reproduce, reproduceSpec } from "./reproduce.ts";
import { Runner, runnerSpec } from "./runner.ts";

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

  constructor(name: string, args: FactoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("disinto:index:Factory", name, {}, opts);

    const { factoryName: factory, dockerHost, agents, edge } = args;
    const images = this.makeImages(args);
    const hired = Object.keys(agents.hired);
    const volumes = new DataVolumes("data", { factory, protect: isPinned(args), hired }, { parent: this });
    const { resources } = agents;
    const forge = {
      ...(args.forge === undefined ? {} : { forge: args.forge }),
      ...(args.forgeToken === undefined ? {} : { forgeToken: pulumi.secret(args.forgeToken) }),
    };
    const specs = {
      agents: agentsSpec({
        factory,
        image: images.agents,
        agents,
        ...forge,
        secrets: secretVariables(args.agentSecrets),
      }),
      runner: runnerSpec({ factory, image: images.agents, resources }),
      reproduce: reproduceSpec({ factory, image: images.reproduce, resources, ...forge }),
      edge: edgeSpec({ factory, volumes, image: images.edge, edge, forge: args.forge }),
    };

    const where = { factory, dockerHost, volumes };
    const { hooks } = args;
    const checked = [
      createHook(
        { factory, dockerHost, when: "before", command: hooks.before, images },
        { parent: this, dependsOn: Object.values(images).map((image) => image.checked) },
      ),
    ];
    const canaries = [specs.agents, specs.edge].map((spec) =>
      createCanary(
        spec,
        { ...where, network: args.network ?? networkName(factory) },
        { parent: this, dependsOn: checked },
      ),
    );
    const safe = this.makeSnapshot(args, images, canaries);
    // Containers go down with the network they are on.
    const networkId = args.network === undefined ? this.makeNetwork(factory, safe).id : this.findNetwork(args.network);
    const around = { ...where, networkId, before: safe };
    const working = [specs.agents, specs.runner, specs.reproduce];
    const drained = createDrain(
      "drain",
      { ...around, component: "agents", drain: agents.drain, containers: working },
      { parent: this, dependsOn: safe },
    );
    const afterwards = { ...around, before: [drained] };

    const theAgents = new Agents("agents", { ...afterwards, spec: specs.agents }, { parent: this });
    const runner = new Runner("runner", { ...afterwards, spec: specs.runner }, { parent: this });
    const reproduce = new Reproduce("reproduce", { ...afterwards, spec: specs.reproduce }, { parent: this });
    const theEdge = new Edge("edge", { ...around, spec: specs.edge }, { parent: this, dependsOn: theAgents });

    const hiredAgents = hired.map((agent) => this.hire(agent, images.agents, around, args, theAgents));

    const pulled = imageNames.filter((key) => args.images[key].kind === "registry");
    const recorded = recordRelease(
      "release-record",
      {
        factory,
        dockerHost,
        hired,
        images: Object.fromEntries(pulled.map((key) => [key, images[key]])),
        containers: [theAgents, ...hiredAgents, theEdge].map(({ container }) => container.id),
      },
      { parent: this, dependsOn: [theAgents, ...hiredAgents, runner, reproduce, theEdge] },
    );
    createHook(
      { factory, dockerHost, when: "after", command: hooks.after, images },
      { parent: this, dependsOn: recorded },
    );

    this.imageIds = { agents: images.agents.id, reproduce: images.reproduce.id, edge: images.edge.id };
    this.registerOutputs({ imageIds: this.imageIds });
  }

  /** A hired agent is touched once the factory's own agents are healthy, and it has finished what it is at. */
  private hire(
    name: string,
    image: FactoryImage,
    around: Surroundings,
    { factoryName: factory, agents, forge, forgeToken, hiredSecrets }: FactoryArgs,
    after: Agents,
  ): Agents {
    const component = hiredComponent(name);
    const spec = hiredSpec({
      name,
      hired: agents.hired[name] as FactoryConfig["agents"]["hired"][string],
      factory,
      image,
      agents,
      ...(forge === undefined ? {} : { forge }),
      ...(forgeToken === undefined ? {} : { forgeToken: pulumi.secret(forgeToken) }),
      secrets: secretVariables(hiredSecrets?.[name], { hired: name }),
    });
    const drained = createDrain(
      `drain-${component}`,
      { ...around, component, drain: agents.drain, containers: [spec] },
      { parent: this, dependsOn: after },
    );
    return new Agents(component, { ...around, spec, before: [drained] }, { parent: this });
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

  /** What has to be there before anything that runs is touched: with snapshots on, one of them too. */
  private makeSnapshot(
    { factoryName: factory, dockerHost, agents, snapshots, snapshotPassword: password }: FactoryArgs,
    images: Record<ImageName, FactoryImage>,
    tried: pulumi.Resource[],
  ): pulumi.Resource[] {
    if (snapshots === undefined || password === undefined || !snapshots.beforeUpgrade) return tried;
    const args = { factory, dockerHost, hired: Object.keys(agents.hired), images, snapshots, password };
    return [createSnapshot("snapshot", args, { parent: this, dependsOn: tried })];
  }

  /** ID of a network that somebody else looks after. */
  private findNetwork(name: string): pulumi.Output<string> {
    return docker.getNetworkOutput({ name }, { parent: this }).id;
  }

  private makeNetwork(factory: string, before: pulumi.Resource[]): docker.Network {
    return new docker.Network(
      "network",
      { name: networkName(factory), driver: "bridge", labels: factoryLabels(factory) },
      // Docker lets two networks have one name, and starts no container on them.
      { parent: this, dependsOn: before, deleteBeforeReplace: true },
    );
  }
}

function isPinned({ images }: FactoryArgs): boolean {
  return Object.values(images).every((source) => source.kind === "registry");
}
