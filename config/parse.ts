import { type ImageName, imageNames } from "../contract/names.ts";
import { completeVersion, type ImageReference, isBareVersion, parseReference } from "../images/reference.ts";
import type { BuiltImage, ImageSource } from "../images/source.ts";
import { explain, onStack, setCommand } from "./explain.ts";
import { type Field, fieldAt } from "./fields.ts";
import { ConfigError, type Problem } from "./problem.ts";
import type { RawConfig } from "./raw.ts";
import { type ConfigValues, configSchema } from "./schema.ts";
import { isSecretKey, secretProblems } from "./secrets.ts";
import { variableProblems } from "./variables.ts";

/** The stack's config, checked, with every default filled in. Secrets are plain text in it: wrapped by whoever hands one to a resource. */
export interface FactoryConfig extends Omit<ConfigValues, "release" | `${ImageName}Image` | "build"> {
  images: Record<ImageName, ImageSource>;
  /** How an image is built here, for this host or for a release. */
  build: BuiltImage;
}

/**
 * Checks a stack's config and fills in the defaults.
 * @throws ConfigError with everything that is wrong
 */
export function parseConfig(raw: RawConfig): FactoryConfig {
  const decoded = decode(raw);
  const parsed = configSchema.safeParse(decoded.value);
  const problems = [
    ...decoded.problems,
    ...(parsed.success
      ? samePorts(parsed.data)
      : parsed.error.issues.flatMap((issue) => explain(issue, decoded.value))),
    ...secretProblems(raw),
    ...missingPassword(raw),
    ...imageProblems(raw.values),
    ...variableProblems(decoded.value),
  ];
  if (problems.length > 0 || !parsed.success) {
    throw new ConfigError(
      raw.stack,
      problems.map((problem) => onStack(problem, raw.stack)),
    );
  }
  // What says where images come from is told by `images` and `build`; all else is passed on as it is.
  const { release: _, agentsImage: _agents, reproduceImage: _reproduce, edgeImage: _edge, ...rest } = parsed.data;
  const images = Object.fromEntries(
    imageNames.map((image) => [image, imageSource(image, parsed.data)]),
  ) as FactoryConfig["images"];
  return { ...rest, images, build: builtImage(parsed.data) };
}

function imageSource(image: ImageName, values: ConfigValues): ImageSource {
  const configured = values[`${image}Image`] ?? values.release;
  if (configured === undefined) return builtImage(values);
  const reference = isBareVersion(configured)
    ? completeVersion(configured, image, values.registry)
    : (parseReference(configured) as ImageReference);
  return { kind: "registry", reference };
}

function builtImage({ build }: ConfigValues): BuiltImage {
  const { source, platform, args } = build;
  return {
    kind: "build",
    args,
    ...(source === undefined ? {} : { source }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function decode({ values }: RawConfig): { value: Record<string, unknown>; problems: Problem[] } {
  const problems: Problem[] = [];
  const value: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(values)) {
    const field = fieldAt([key]);
    if (field === undefined || (field.keys.length === 0 && !field.isMap)) {
      value[key] = plainValue(field, text);
      continue;
    }
    try {
      value[key] = JSON.parse(text);
    } catch {
      const isSecret = isSecretKey(key);
      const example = isSecret ? `pulumi config set --secret --path 'disinto:${key}.NAME'` : undefined;
      problems.push({
        path: key,
        message: `${isSecret ? "its value" : JSON.stringify(text)} is not structured`,
        allowed: field.isMap ? field.docs?.allowed : `keys below it: ${field.keys.join(", ")}`,
        fix: `pulumi config rm disinto:${key}, then ${example ?? `pulumi config set --path 'disinto:${key}.${field.keys[0]}' ...`}`,
      });
    }
  }
  return { value, problems };
}

/** A text that is no value of its kind stays one, for the schema to refuse. */
function plainValue(field: Field | undefined, text: string): unknown {
  if (field?.isNumber && /^\d+$/.test(text)) return Number(text);
  return field?.isList && /^\[("[^"\\]*"(,"[^"\\]*")*)?\]$/.test(text) ? JSON.parse(text) : text;
}

function samePorts({ edge }: ConfigValues): Problem[] {
  if (edge.httpPort !== edge.httpsPort) return [];
  return [
    {
      path: "edge.httpsPort",
      message: `${edge.httpsPort} is edge.httpPort too`,
      allowed: "another port than edge.httpPort",
      fix: setCommand(["edge", "httpsPort"], String(edge.httpPort === 8443 ? 443 : 8443)),
    },
  ];
}

function missingPassword({ values }: RawConfig): Problem[] {
  if (values.snapshots === undefined || values.snapshotPassword !== undefined) return [];
  return [
    {
      path: "snapshotPassword",
      message: "is missing: what lies in snapshots.repository is encrypted with it",
      allowed: fieldAt(["snapshotPassword"])?.docs?.allowed,
      fix: "pulumi config set --secret disinto:snapshotPassword",
    },
  ];
}

function imageProblems(values: Record<string, string>): Problem[] {
  const keys = ["release", ...imageNames.map((image) => `${image}Image`)];
  return keys.flatMap((key): Problem[] => {
    const value = values[key];
    if (value === undefined || isBareVersion(value)) return [];
    const allowed = fieldAt([key])?.docs?.allowed;
    const problem = (message: string): Problem[] => [
      { path: key, message: `${JSON.stringify(value)} ${message}`, allowed, fix: setCommand([key], "v0.1.1") },
    ];
    if (key === "release") return problem("is not a version");
    const reference = parseReference(value);
    if (reference === undefined) return problem("is not an image reference");
    const another = imageNames.find((image) => image === reference.repository.split("/").at(-1));
    if (another !== undefined && key !== `${another}Image`) return problem(`is the image of ${another}`);
    if (reference.digest !== undefined) return [];
    if (reference.tag === undefined) return problem("has no version");
    if (reference.tag === "latest") return problem("pins nothing: latest is whatever was pushed last");
    return [];
  });
}
