import type { ErrorCode } from "../contract/error-codes.ts";

/** One thing wrong with the stack's config. */
export interface Problem {
  /** Path of the key below the namespace: `agents.pollInterval`. */
  path: string;
  /** What is wrong, with the value received (never a secret's). */
  message: string;
  /** The values allowed. */
  allowed?: string;
  /** A key that may have been meant. */
  didYouMean?: string;
  /** The command that mends it. */
  fix?: string;
}

/** Everything wrong with a stack's config, in one error. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ErrorCode = "config-invalid";
  readonly problems: Problem[];

  constructor(stack: string, problems: Problem[]) {
    super(formatProblems(`The config of stack ${stack} has`, problems));
    this.problems = problems;
  }
}

/** @param whose the beginning of a sentence that ends in the number of problems */
export function formatProblems(whose: string, problems: Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [`${whose} ${count}:`, ...problems.map(formatProblem)].join("\n\n");
}

function formatProblem({ path, message, allowed, didYouMean, fix }: Problem): string {
  return [
    `  ${path}: ${message}`,
    ...(didYouMean === undefined ? [] : [`    did you mean: ${didYouMean}?`]),
    ...(allowed === undefined ? [] : [`    allowed: ${allowed}`]),
    ...(fix === undefined ? [] : [`    fix: ${fix}`]),
  ].join("\n");
}
