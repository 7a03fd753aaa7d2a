import { afterEach, describe, expect, test, vi } from "vitest";
import type { PinnedReference } from "../../images/reference.ts";
import { readFromRegistry } from "../../images/registry.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const reference: PinnedReference = { server: "ghcr.io", repository: "disinto/agents", digest: digest("1") };
const path = "https://ghcr.io/v2/disinto/agents";
const config = { config: { Volumes: { "/data": {} } } };

afterEach(() => vi.unstubAllGlobals());

interface Asked {
  url: string;
  authorization: string | undefined;
}

/** Answers by address; whoever does not authorize as `wanted` gets the challenge. Returns what was asked. */
function serve(answers: Record<string, unknown>, challenge?: string, wanted?: string): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (url: URL | string, { headers }: { headers: Record<string, string> }) => {
    const { authorization } = headers;
    asked.push({ url: String(url), authorization });
    const isRegistry = String(url).includes("/v2/");
    if (isRegistry && challenge !== undefined && authorization !== wanted) {
      return new Response("{}", { status: 401, headers: { "www-authenticate": challenge } });
    }
    const answer = answers[String(url)];
    return answer === undefined ? new Response("{}", { status: 404 }) : Response.json(answer);
  });
  return asked;
}

const single = { [`${path}/manifests/${digest("1")}`]: { config: { digest: digest("c") } } };
const blob = { [`${path}/blobs/${digest("c")}`]: config };

describe("an image's config", () => {
  test("is read by its manifest", async () => {
    serve({ ...single, ...blob });
    expect(await readFromRegistry(reference, undefined, "amd64")).toEqual(config.config);
  });

  test.each([
    { architecture: "arm64", chosen: "3" },
    { architecture: "riscv64", chosen: "2" },
  ])("of an image for each platform is this host's, else the first for Linux: $architecture", async (wanted) => {
    const platform = (os: string, architecture: string) => ({ platform: { os, architecture } });
    const manifests = [
      { digest: digest("9"), ...platform("windows", "arm64") },
      { digest: digest("2"), ...platform("linux", "amd64") },
      { digest: digest("3"), ...platform("linux", "arm64") },
    ];
    const list = { [`${path}/manifests/${digest("1")}`]: { manifests } };
    const one = { [`${path}/manifests/${digest(wanted.chosen)}`]: { config: { digest: digest("c") } } };
    serve({ ...list, ...one, ...blob });
    expect(await readFromRegistry(reference, undefined, wanted.architecture)).toEqual(config.config);
  });

  test("of Docker Hub's own images is below library/", async () => {
    const asked = serve({});
    const hub = { server: "docker.io", repository: "debian", digest: digest("1") };
    await expect(readFromRegistry(hub, undefined, "amd64")).rejects.toThrow("404");
    expect(asked[0]?.url).toBe(`https://registry-1.docker.io/v2/library/debian/manifests/${digest("1")}`);
  });

  test("is not there where the registry says so, or the manifest is of another kind", async () => {
    serve({});
    await expect(readFromRegistry(reference, undefined, "amd64")).rejects.toThrow("answers 404");
    serve({ [`${path}/manifests/${digest("1")}`]: { schemaVersion: 1 } });
    await expect(readFromRegistry(reference, undefined, "amd64")).rejects.toThrow("names no config");
  });
});

describe("a login", () => {
  const bearer = 'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:disinto/agents:pull"';
  const token = "https://ghcr.io/token?service=ghcr.io&scope=repository%3Adisinto%2Fagents%3Apull";

  test("is given to a registry that wants it, and not before", async () => {
    const asked = serve({ ...single, ...blob }, 'Basic realm="test"', "Basic bG9naW4=");
    await readFromRegistry(reference, "bG9naW4=", "amd64");
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, "Basic bG9naW4=", "Basic bG9naW4="]);
  });

  test.each([
    { with: "the login", login: "bG9naW4=", authorization: "Basic bG9naW4=" },
    { with: "nothing, as anybody", login: undefined, authorization: undefined },
  ])("is changed for a token with $with", async ({ login, authorization }) => {
    const asked = serve({ ...single, ...blob, [token]: { token: "t0ken" } }, bearer, "Bearer t0ken");
    await readFromRegistry(reference, login, "amd64");
    expect(asked[1]).toEqual({ url: token, authorization });
  });

  test("that is wrong is tried once", async () => {
    const asked = serve({}, 'Basic realm="test"', "Basic another");
    await expect(readFromRegistry(reference, "bG9naW4=", "amd64")).rejects.toThrow("answers 401");
    expect(asked).toHaveLength(2);
  });

  test("is not sent where anybody could read it", async () => {
    const asked = serve({}, 'Bearer realm="http://ghcr.io/token"', "");
    await expect(readFromRegistry(reference, "bG9naW4=", "amd64")).rejects.toThrow("not safe");
    expect(asked).toHaveLength(1);
  });
});
