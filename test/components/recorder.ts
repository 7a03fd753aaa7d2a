import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registration {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** The digest that every tag resolves to. */
export const resolvedDigest = `sha256:${"5".repeat(64)}`;

/**
 * Replaces the engine by one that records registrations. Calls and resource types nobody foresaw throw.
 * Import the program only after this.
 */
export async function recordRegistrations(): Promise<Registration[]> {
  const registrations: Registration[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registrations.push({ type, name, inputs });
        return { id: `${name}-id`, state: { ...inputs, ...computed(type, name) } };
      },
      call: ({ token, inputs }) => {
        if (token === "docker:index/getRegistryImage:getRegistryImage")
          return { ...inputs, sha256Digest: resolvedDigest };
        if (token === "docker:index/getNetwork:getNetwork") return { ...inputs, id: `${inputs.name}-found` };
        throw new Error(`the program called ${token}, which no test foresees`);
      },
    },
    "disinto",
    "test",
  );
  return registrations;
}

function computed(type: string, name: string): Record<string, unknown> {
  switch (type) {
    case "docker:index/image:Image":
      return { repoDigest: `sha256:built-${name}` };
    case "docker:index/remoteImage:RemoteImage":
      return { imageId: `sha256:pulled-${name}` };
    case "docker:index/container:Container":
    case "docker:index/network:Network":
    case "docker:index/volume:Volume":
    case "command:local:Command":
    case "pulumi:providers:docker":
      return {};
    default:
      if (type.startsWith("disinto:index:")) return {};
      throw new Error(`the program made a ${type}, which no test foresees`);
  }
}

/** Waits until everything the program registered has been recorded. */
export function settled(): Promise<void> {
  // The SDK has this function, and leaves it out of its declarations.
  return (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
}

/** Waits for an output. */
export function resolved<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

// How the SDK marks a secret on the wire (pulumi/pulumi, sdk/nodejs/runtime/rpc.ts).
const signature = "4dabf18193072939515e22adb298388d";

/** Whether an input was registered as a secret. */
export function isSecret(input: unknown): input is { value: unknown } {
  return typeof input === "object" && input !== null && signature in input;
}

/** An input's value, secret or not. */
export function plain(input: unknown): unknown {
  return isSecret(input) ? input.value : input;
}
