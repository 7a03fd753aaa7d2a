import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type GateName, type GateParameters, gateVariable } from "../../contract/gates.ts";
import { isPackage, ownFile } from "../../lib/program-files.ts";

export interface GateArgs<Gate extends GateName> {
  gate: Gate;
  /** Address of the Docker daemon. */
  dockerHost: string;
  parameters: Omit<GateParameters<Gate, pulumi.Input<string>>, "stack">;
  /** It is checked when one of these is new or changed. */
  triggers: pulumi.Input<string>[];
  /** Show what it prints while it waits. @default false: only where it fails */
  progress?: boolean;
}

const gateProgram = isPackage ? "dist/gates/main.js" : "gates/main.ts";

/** A check during `up`: where it fails, nothing is made or replaced that depends on it. */
export function createGate<Gate extends GateName>(
  name: string,
  { gate, dockerHost, parameters, triggers, progress = false }: GateArgs<Gate>,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const told = Object.entries<pulumi.Input<string>>({ ...parameters, stack: pulumi.getStack() });
  return new command.local.Command(
    name,
    {
      // Not by the launcher, which would install packages under the running program where they are not current.
      create: `node ${ownFile(gateProgram)} ${gate}`,
      // Without a new trigger there is nothing to check, whatever else has changed.
      update: "true",
      environment: {
        DOCKER_HOST: dockerHost,
        NODE_NO_WARNINGS: "1",
        ...Object.fromEntries(told.map(([parameter, value]) => [gateVariable(parameter), value])),
      },
      triggers,
      // A failure shows all that was printed anyway.
      logging: progress ? command.local.Logging.Stdout : command.local.Logging.None,
    },
    opts,
  );
}
