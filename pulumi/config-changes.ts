/** A config value as `pulumi config --json` and `pulumi stack history --json` write it, with --show-secrets. */
interface ConfigValue {
  value?: string;
  objectValue?: unknown;
  secret: boolean;
}

/** A stack's config, by key with its namespace. */
export type StackConfig = Record<string, ConfigValue>;

/** An update of `pulumi stack history --json`. */
export interface HistoryEntry {
  /** `update`, `destroy`, `refresh`, ... */
  kind: string;
  /** `succeeded`, `failed`, `in-progress`. */
  result: string;
  /** RFC 3339. */
  startTime: string;
  endTime: string;
  message: string;
  /** `git.author` and the like. */
  environment: Record<string, string>;
  config: StackConfig;
}

/** What of an update {@link compareConfig} looks at. */
export type Deployed = Pick<HistoryEntry, "kind" | "result" | "config">;

/** A key whose value is not the one of the last deployment; `undefined` where it was, or is, not set. */
interface ConfigChange {
  key: string;
  before: string | undefined;
  after: string | undefined;
}

/** What became of the config since the last deployment. */
export type ConfigChanges =
  | { kind: "never deployed" }
  | { kind: "unknown" }
  | { kind: "compared"; changes: ConfigChange[] };

export const secretMark = "[secret]";

/**
 * Compares the config with that of the last successful update, secrets by what is behind them, and shows none of them.
 * @param current undefined where pulumi cannot say
 * @param history newest first; undefined where pulumi cannot say
 */
export function compareConfig(current: StackConfig | undefined, history: Deployed[] | undefined): ConfigChanges {
  if (current === undefined || history === undefined) return { kind: "unknown" };
  const deployed = history.find(({ kind, result }) => kind === "update" && result === "succeeded");
  if (deployed === undefined) return { kind: "never deployed" };
  const before = leaves(deployed.config);
  const after = leaves(current);
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changed = keys.filter((key) => JSON.stringify(before.get(key)) !== JSON.stringify(after.get(key)));
  return {
    kind: "compared",
    changes: changed.map((key) => ({ key, before: shown(before.get(key)), after: shown(after.get(key)) })),
  };
}

/** Every secret value in these configs, the longest first: none of them may appear in what is shown. */
export function secretValues(...configs: StackConfig[]): string[] {
  const values = configs.flatMap((config) => [...leaves(config).values()]);
  return [...new Set(values.flatMap(({ secret, text }) => (secret && text !== "" ? [text] : [])))].sort(
    (a, b) => b.length - a.length,
  );
}

interface Leaf {
  text: string;
  secret: boolean;
}

/** The values by their full keys (`edge.httpPort`), structured ones taken apart. */
function leaves(config: StackConfig): Map<string, Leaf> {
  const entries = Object.entries(config).flatMap(([key, { value, objectValue, secret }]) =>
    flatten(key.replace(/^disinto:/, ""), objectValue ?? value ?? "").map(
      ([path, text]) => [path, { text, secret }] as const,
    ),
  );
  return new Map(entries);
}

function flatten(path: string, value: unknown): [string, string][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, below]) => flatten(`${path}.${key}`, below));
  }
  return [[path, typeof value === "string" ? value : JSON.stringify(value)]];
}

function shown(leaf: Leaf | undefined): string | undefined {
  return leaf?.secret ? secretMark : leaf?.text;
}
