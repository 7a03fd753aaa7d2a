import type { ComposeFile, FileService } from "./compose-file.ts";
import {
  composeLabels,
  environmentOf,
  foundContainer,
  type InspectedContainer,
  type InspectedImage,
  inOrder,
  mountsOf,
  networksOf,
  portsOf,
} from "./containers.ts";
import type { Service, ServiceImage } from "./deployment.ts";
import { differencesOf } from "./difference.ts";
import { rolesOf } from "./role.ts";

/** What is known of a project's services. */
export interface Evidence {
  project: string;
  /** Without a compose there is none. */
  file: ComposeFile | undefined;
  /** Of the project. */
  containers: InspectedContainer[];
  /** Of the containers, and those that the file names, as far as they are on the host; by ID and by reference. */
  images: Map<string, InspectedImage>;
}

/** Puts together what the file says and what is on the host; the host has the last word. */
export function readServices({ project, file, containers, images }: Evidence): Service[] {
  const inFile = new Map((file?.services ?? []).map((service) => [service.name, service]));
  const names = new Set([...inFile.keys(), ...containers.map((one) => composeLabels(one).service)]);
  const known = [...names].sort().map((name) => {
    const own = inOrder(containers.filter((container) => composeLabels(container).service === name));
    return { name, file: inFile.get(name), containers: own, image: imageOf(inFile.get(name), own[0], images) };
  });
  const roles = rolesOf(
    known.map(({ name, image, file: said, containers: [first] }) => {
      const reference = said?.image ?? first?.Config.Image;
      return { name, builds: image.kind === "build", ...(reference === undefined ? {} : { image: reference }) };
    }),
  );
  return known.map(({ name, file: said, containers: own, image }) => {
    const container = own.find((one) => !composeLabels(one).oneOff) ?? (said === undefined ? own[0] : undefined);
    const found = container && ofContainer(container, said, images.get(container.Image));
    return {
      name,
      role: roles.get(name) ?? { kind: "other" },
      image,
      containers: own.map(foundContainer),
      ...(found ?? ofFile(said, project)),
      difference: file && container ? differencesOf({ project, said, container, images }) : [],
    };
  });
}

type Found = Pick<Service, "mounts" | "environment" | "ports" | "networks">;

function ofContainer(container: InspectedContainer, file: FileService | undefined, image?: InspectedImage): Found {
  const environment = environmentOf(container, image);
  const all = environmentOf(container);
  // What the file sets to the very value of the image is set all the same.
  const alike = Object.keys(file?.environment ?? {}).filter((name) => name in all && !(name in environment));
  return {
    mounts: mountsOf(container),
    environment: { ...environment, ...Object.fromEntries(alike.map((name) => [name, all[name] ?? ""])) },
    ports: portsOf(container),
    networks: networksOf(container),
  };
}

function ofFile(file: FileService | undefined, project: string): Found {
  return {
    mounts: file?.mounts(project) ?? [],
    environment: file?.environment ?? {},
    ports: file?.ports ?? [],
    networks: file?.networks(project) ?? [],
  };
}

function imageOf(
  file: FileService | undefined,
  container: InspectedContainer | undefined,
  images: Map<string, InspectedImage>,
): ServiceImage {
  if (file?.builds) return { kind: "build" };
  const reference = file?.image ?? container?.Config.Image;
  if (reference === undefined) return { kind: "build" };
  // Without the file: what was built here has no digest of a registry, or with containerd's image store one under compose's own name.
  const { project = "", service = "" } = container === undefined ? {} : composeLabels(container);
  const own = [`${project}-${service}`, `${project}_${service}`];
  const digests = (images.get(container?.Image ?? "")?.RepoDigests ?? []).filter(
    (digest) => !own.includes(digest.split("@")[0] ?? ""),
  );
  return file === undefined && digests.length === 0 ? { kind: "build" } : { kind: "registry", reference };
}
