import type { ErrorCode } from "../contract/error-codes.ts";
import { factoryCommand } from "../lib/factory-command.ts";
import { formatReference, type ImageReference } from "./reference.ts";

interface Explanation {
  pattern: RegExp;
  code: ErrorCode;
  what: string;
  next: (server: string) => string;
}

// What the Docker provider says of a registry, by the words of its upstream (internal/provider, getImageDigest). They
// follow the image's name and the registry's address, which may have any of these numbers in them.
const explanations: Explanation[] = [
  {
    pattern: /Error loading registry auth config/,
    code: "registry-denied",
    what: "was not asked: Docker's config.json, or the credential helper it names, does not work",
    next: (server) => `docker login ${server} says more; or pulumi config set --secret disinto:registryToken`,
  },
  {
    pattern: /(bad credentials|bad response from registry): 401/i,
    code: "registry-denied",
    what: "refuses these credentials (401)",
    next: (server) => `pulumi config set --secret disinto:registryToken, or docker login ${server}`,
  },
  {
    pattern: /bad response from registry: 403/,
    code: "registry-denied",
    what: "does not let these credentials read it (403)",
    next: (server) =>
      "give the token the right to read packages, or set one that has not expired: " +
      `pulumi config set --secret disinto:registryToken, or docker login ${server}`,
  },
  {
    pattern: /bad response from registry: 404/,
    code: "image-not-found",
    what: "has no such image or version (404), or hides it from these credentials",
    next: () => "correct the version in the stack's config, or push the image first",
  },
  {
    pattern: /x509: /,
    code: "registry-untrusted",
    what: "shows a certificate that nobody known here has signed",
    next: () => "set SSL_CERT_FILE to a bundle with the registry's CA, and give the CA to the daemon (certs.d)",
  },
  {
    pattern: /: dial tcp| timeout| timed out|: (unexpected )?EOF|reset by peer/,
    code: "registry-unreachable",
    what: "cannot be reached",
    next: () => "try again later; an image this host has already runs without the registry, as name:version@sha256:...",
  },
];

/** A reference whose digest could not be looked up, and what the provider said of it. */
export interface FailedLookup {
  reference: ImageReference;
  message: string;
}

/** Says why references could not be resolved to digests, and what to do: once for all that have the same problem. */
export function explainRegistryProblems(failures: FailedLookup[]): string {
  const references = new Map<string, string[]>();
  for (const { reference, message } of failures) {
    const explanation = explain(reference.server, message);
    references.set(explanation, [...(references.get(explanation) ?? []), formatReference(reference)]);
  }
  return [...references].map(([explanation, names]) => `${names.join(", ")}: ${explanation}`).join("\n");
}

/** The code of the first problem. */
export function registryCode([first]: FailedLookup[]): ErrorCode {
  return findExplanation(first?.message ?? "")?.code ?? "registry-failed";
}

function findExplanation(message: string): Explanation | undefined {
  return explanations.find(({ pattern }) => pattern.test(message));
}

function explain(server: string, message: string): string {
  const known = findExplanation(message);
  const what = known?.what ?? `answers: ${message.trim()}`;
  const next = known?.next(server) ?? `${factoryCommand} preview shows whether it still does`;
  return `the registry ${server} ${what}.\n  fix: ${next}`;
}
