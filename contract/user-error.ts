import { type ErrorCode, errorCodes } from "./error-codes.ts";

/** An error for the person at the terminal: shown without a stack trace. */
export class UserError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;

  /**
   * @param message what is wrong and the next command; an empty one is not shown, as somebody else has said it
   * @param exitCode 1 for what failed, 2 for what was asked wrongly
   */
  constructor(code: ErrorCode, message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "UserError";
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** The code of any error; `unexpected` for those that nobody foresaw. */
export function codeOf(error: unknown): ErrorCode {
  const { code } = error as { code?: unknown };
  return errorCodes.find((known) => known === code) ?? "unexpected";
}
