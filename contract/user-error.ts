import { type ErrorCode, errorCodes } from "./error-codes.ts";

/** An error for the person at the terminal: shown without a stack trace. */
export class UserError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;

  /**
   * @param message what is wrong and the next command; an empty one is not shown, as somebody else has said it
   * @param exitCode 1 for what failed, 2 for what was asked wrongly
   */
  constructor(code: ErrorCode, message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = "UserError";
    this.code = code;
    this.exitCode = exitCode;
  }

  /** What a person sees, without a trailing newline. */
  get shown(): string {
    return this.message;
  }
}

/** A set-up step that cannot go on: what is wrong, and the commands or actions that get a person further. */
export class SetupError extends UserError {
  readonly byHand: string[];

  constructor(code: ErrorCode, message: string, byHand: string[], options?: ErrorOptions) {
    super(code, message, 1, options);
    this.name = "SetupError";
    this.byHand = byHand;
  }

  override get shown(): string {
    if (this.byHand.length === 0) return this.message;
    return [this.message, "To do it by hand:", ...this.byHand.map((line) => `  ${line}`)].join("\n");
  }
}

/** The code of any error; `unexpected` for those that nobody foresaw. */
export function codeOf(error: unknown): ErrorCode {
  const { code } = error as { code?: unknown };
  return errorCodes.find((known) => known === code) ?? "unexpected";
}
