/** What an error is called, the same in every version: each has a heading in docs/troubleshooting.md. */
export const errorCodes = [
  "base-image-missing",
  "build-failed",
  "canary-failed",
  "cancelled",
  "check-failed",
  "config-invalid",
  "data-format-older",
  "data-in-use",
  "data-let-go",
  "data-volumes-missing",
  "docker-failed",
  "docker-host-conflict",
  "docker-unreachable",
  "download-mismatch",
  "engine-missing",
  "factory-taken",
  "git-failed",
  "gone-meanwhile",
  "hook-failed",
  "image-not-found",
  "image-unfit",
  "image-unsigned",
  "init-refused",
  "mounts-wrong",
  "name-taken",
  "nobody-to-ask",
  "node-missing",
  "npm-failed",
  "packages-missing",
  "passphrase-missing",
  "pulumi-failed",
  "registry-denied",
  "registry-failed",
  "registry-mismatch",
  "registry-unreachable",
  "registry-untrusted",
  "release-blocked",
  "restore-unfinished",
  "return-failed",
  "rollback-impossible",
  "rollback-nowhere",
  "secret-unreadable",
  "signature-unreadable",
  "signing-key-unusable",
  "snapshot-busy",
  "snapshot-directory",
  "snapshot-disk-full",
  "snapshot-failed",
  "snapshot-image-missing",
  "snapshot-password-wrong",
  "snapshot-unknown",
  "snapshot-unreachable",
  "snapshots-off",
  "stack-file-exists",
  "stack-file-missing",
  "stack-locked",
  "state-unreadable",
  "still-at-work",
  "token-missing",
  "unexpected",
  "unhealthy",
  "usage",
  "volume-uncovered",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** The line that an error ends with. */
export function errorLine(code: ErrorCode): string {
  return `error: ${code} (docs/troubleshooting.md#${code})`;
}

/** The code of the last error in what was printed; undefined where there is none. */
export function codeIn(text: string): ErrorCode | undefined {
  const [, found] = [...text.matchAll(/error: ([a-z-]+) \(docs\/troubleshooting\.md#/g)].at(-1) ?? [];
  return errorCodes.find((code) => code === found);
}
