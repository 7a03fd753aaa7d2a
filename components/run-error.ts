import * as pulumi from "@pulumi/pulumi";
import { type ErrorCode, errorLine } from "../contract/error-codes.ts";

/** What ends the program with a message, which Pulumi shows without a stack trace. */
export function runError(code: ErrorCode, message: string): pulumi.RunError {
  return new pulumi.RunError(`${message}\n${errorLine(code)}`);
}
