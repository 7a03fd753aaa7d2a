import { describe, expect, test } from "vitest";
import { formatReference, type ImageReference } from "../../images/reference.ts";
import { explainRegistryProblems } from "../../images/registry-problem.ts";

const plain: ImageReference = { server: "ghcr.io", repository: "acme/agents", tag: "v0.1.1" };
const misleading: ImageReference = {
  server: "localhost:40312",
  repository: "e2e-404a401b/geofence-x509-timeout",
  tag: "v4.0.403",
};

/** As the engine hands on what the Docker provider says when it asked for a reference's digest. */
function explain(reference: ImageReference, words: string): string {
  const token = "invoking docker:index/getRegistryImage:getRegistryImage: 1 error occurred:";
  const asked = `Got error when attempting to fetch image version ${reference.repository}:${reference.tag}`;
  return explainRegistryProblems([{ reference, message: `${token}\n\t* ${asked} from registry: ${words}\n\n` }]);
}

const request = ({ server, repository, tag }: ImageReference, words: string) =>
  `Error during registry request: Head "https://${server}/v2/${repository}/manifests/${tag}": ${words}`;

describe.each([plain, misleading])("of $server/$repository", (reference) => {
  test.each([
    ["Bad credentials: 401 Unauthorized", "refuses these credentials (401)"],
    ["bad credentials: 401 Unauthorized", "refuses these credentials (401)"],
    ["Got bad response from registry: 401 Unauthorized", "refuses these credentials (401)"],
    ["Got bad response from registry: 403 Forbidden", "does not let these credentials read it (403)"],
    ["Got bad response from registry: 404 Not Found", "has no such image or version (404)"],
    [
      "Error loading registry auth config: could not get auth config (the credentialhelper did not work or was not found)",
      "was not asked: Docker's config.json, or the credential helper it names, does not work",
    ],
    ["Got bad response from registry: 503 Service Unavailable", "answers: "],
  ])("the answer %j is: %s", (words, sentence) => {
    const said = explain(reference, words);
    expect(said).toContain(formatReference(reference));
    expect(said).toContain(`the registry ${reference.server} ${sentence}`);
    expect(said).toMatch(/\n {2}fix: \S/);
  });

  test.each([
    ["tls: failed to verify certificate: x509: certificate signed by unknown authority", "shows a certificate"],
    ["dial tcp 127.0.0.1:5000: connect: connection refused", "cannot be reached"],
    ["dial tcp: lookup registry.invalid on 10.0.0.53:53: no such host", "cannot be reached"],
    ["dial tcp: lookup registry.invalid: Temporary failure in name resolution", "cannot be reached"],
    ["dial tcp 10.0.0.1:443: i/o timeout", "cannot be reached"],
    ["net/http: TLS handshake timeout", "cannot be reached"],
    ["read tcp 10.0.0.2:40404->10.0.0.1:443: read: connection timed out", "cannot be reached"],
    ["read tcp 10.0.0.2:40404->10.0.0.1:443: read: connection reset by peer", "cannot be reached"],
    ["EOF", "cannot be reached"],
    ["http: server gave HTTP response to HTTPS client", "answers: "],
  ])("the failure %j is: %s", (words, sentence) => {
    expect(explain(reference, request(reference, words))).toContain(`the registry ${reference.server} ${sentence}`);
  });
});

test("what is wrong with several references alike is said once", () => {
  const refused = (repository: string) => ({ reference: { ...plain, repository }, message: "Bad credentials: 401" });
  const said = explainRegistryProblems([refused("acme/agents"), refused("acme/edge")]);
  expect(said).toMatch(/^ghcr.io\/acme\/agents:v0.1.1, ghcr.io\/acme\/edge:v0.1.1: the registry ghcr.io refuses/);
  expect(said.split("\n")).toHaveLength(2);
});
