/** An error for the person at the terminal: shown without a stack trace. */
export class UserError extends Error {
  readonly exitCode: number;

  /** @param exitCode 1 for what failed, 2 for what was asked wrongly */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "UserError";
    this.exitCode = exitCode;
  }
}
