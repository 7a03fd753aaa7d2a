/** A stack's config as Pulumi keeps it: every value a string, structured ones as JSON. */
export interface RawConfig {
  stack: string;
  /** Values by key, without the namespace. */
  values: Record<string, string>;
  /** Keys that were set with `--secret`, and paths below them where it is known which values were: `agentSecrets.API_KEY`. */
  secrets: ReadonlySet<string>;
}
