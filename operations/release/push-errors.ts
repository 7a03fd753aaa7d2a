import { UserError } from "../../contract/user-error.ts";
import { RegistryError, reasonOf } from "../../images/registry.ts";
import type { PushLogin } from "./push-login.ts";

/** What a registry refused, as what is wrong and what to do. */
function explainPush(error: unknown, { server, variable }: PushLogin): UserError {
  if (error instanceof RegistryError) {
    if (error.status === 401) {
      return new UserError(
        "registry-denied",
        `The registry ${server} refuses the token in ${variable} (401): it is wrong, expired or revoked.\n` +
          "Make a new one (docs/registry-credentials.md).",
      );
    }
    if (error.status === 403) {
      return new UserError(
        "registry-denied",
        `The token in ${variable} may not push to ${server} (403).\n` +
          "Give it the right to write packages (docs/registry-credentials.md).",
      );
    }
    return new UserError("registry-failed", `The registry ${server} does not do as asked: ${error.message}`);
  }
  if (error instanceof UserError) return error;
  return new UserError("registry-unreachable", `The registry ${server} cannot be reached: ${reasonOf(error as Error)}`);
}

/** Does something with the registry. @throws UserError where that fails */
export async function atRegistry<T>(login: PushLogin, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainPush(error, login);
  }
}

/** Days of a token's life below which its end is told. */
const soon = 14;

/**
 * When a token ends, from the header in which GitHub says so (docs.github.com, "Authentication"); undefined where none does.
 * @param now milliseconds
 */
export function expiryWarning(headers: Headers, variable: string, now = Date.now()): string | undefined {
  const header = headers.get("github-authentication-token-expiration");
  const end = Date.parse(header?.replace(" UTC", "Z").replace(" ", "T") ?? "");
  if (Number.isNaN(end)) return undefined;
  const days = Math.floor((end - now) / 86_400_000);
  if (days >= soon) return undefined;
  return `the token in ${variable} expires in ${days} days (${header}): rotate it, docs/registry-credentials.md`;
}
