import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { ComponentName } from "../contract/names.ts";
import { createContainer } from "./container.ts";
import type { ComponentArgs } from "./spec.ts";

/** One of the factory's containers and what belongs to it, under the name of the component. */
export class Component extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    const { component } = args.spec;
    super(typeToken(component), component, {}, opts);
    this.container = createContainer(args.spec, args, this);
    this.registerOutputs({ containerId: this.container.id });
  }
}

/** In the URN of all that is in the component: another token would make every container anew. */
const typeTokens: Partial<Record<ComponentName, string>> = {
  agents: "disinto:index:Agents",
  runner: "disinto:index:Runner",
  reproduce: "disinto:index:Reproduce",
  edge: "disinto:index:Edge",
};

/** Hired agents are agents. */
function typeToken(component: ComponentName): string {
  return typeTokens[component] ?? "disinto:index:Agents";
}
