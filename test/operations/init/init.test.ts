import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { parse } from "yaml";
import { type Answers, complete } from "../../../operations/init/answers.ts";
import { forgeProblem, repositoryAddress } from "../../../operations/init/checks.ts";
import { stackFileText } from "../../../operations/init/stack-file-text.ts";
import { parseStackFile } from "../../../pulumi/stack-file.ts";

const given = { release: "v0.1.1", forgeUrl: "https://forge.example", forgeRepo: "acme/website" };

function answers(more: Partial<Answers> = {}): Answers {
  vi.stubEnv("FORGE_TOKEN", "token");
  onTestFinished(() => void vi.unstubAllEnvs());
  return complete({ ...given, ...more });
}

describe("without a terminal", () => {
  test("all that is missing is named in one error", () => {
    vi.stubEnv("FORGE_TOKEN", "");
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(() => complete({ release: "v0.1.1" })).toThrow(
      "Missing: --forge-url <address>, --forge-repo <owner/name>, FORGE_TOKEN in the environment.",
    );
  });
});

describe("the file", () => {
  test("has what differs from the defaults", () => {
    expect(parse(stackFileText(answers()))).toEqual({
      config: {
        "disinto:release": "v0.1.1",
        "disinto:forge": { url: "https://forge.example", repo: "acme/website" },
      },
    });
  });

  test("is a config that the program accepts", () => {
    const text = stackFileText(
      answers({ name: "website", registry: "registry.example:5000/team/x", registryUser: "reader", httpPort: "8080" }),
    );
    const { config } = parseStackFile("prod", "Pulumi.prod.yaml", text);
    expect(config).toMatchObject({
      factoryName: "website",
      registry: { server: "registry.example:5000", namespace: "team/x", username: "reader" },
      edge: { httpPort: 8080, httpsPort: 443 },
    });
    expect(config.images.agents).toMatchObject({ reference: { repository: "team/x/agents", tag: "v0.1.1" } });
  });

  test("is refused with the config's own words where an answer is wrong", () => {
    const text = stackFileText(answers({ release: "latest", httpPort: "no" }));
    expect(() => parseStackFile("prod", "Pulumi.prod.yaml", text)).toThrow(
      /edge.httpPort: "no" is not allowed.*release: "latest" is not a version/s,
    );
  });
});

describe("the forge", () => {
  async function answering(status: number): Promise<{ url: string; requests: IncomingMessage[] }> {
    const requests: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      requests.push(request);
      response.writeHead(status).end("{}");
    }).listen(0);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    return { url: `http://localhost:${(server.address() as AddressInfo).port}`, requests };
  }

  test("is asked for the repository with the token", async () => {
    const { url, requests } = await answering(200);
    expect(await forgeProblem({ url: `${url}/`, repo: "acme/website" }, "t0ken")).toBeUndefined();
    expect(requests[0]?.url).toBe("/api/v1/repos/acme/website");
    expect(requests[0]?.headers.authorization).toBe("token t0ken");
  });

  test.each([
    [401, "does not know the token (401)"],
    [403, "does not let the token read acme/website (403)"],
    [404, "has no repository acme/website (404)"],
    [502, "answers 502"],
  ])("answers %i: %s", async (status, problem) => {
    const { url } = await answering(status);
    const said = await forgeProblem({ url, repo: "acme/website" }, "t0ken");
    expect(said).toContain(problem);
    expect(said).not.toContain("t0ken");
  });

  test("does not answer", async () => {
    expect(await forgeProblem({ url: "http://localhost:2", repo: "acme/website" }, "t0ken")).toContain("ECONNREFUSED");
  });

  test("is GitHub, whose API has a host of its own", () => {
    expect(repositoryAddress({ url: "https://github.com", repo: "acme/website" })).toBe(
      "https://api.github.com/repos/acme/website",
    );
  });
});
