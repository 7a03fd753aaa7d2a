import { once } from "node:events";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { createServer, request } from "node:https";
import { freePort } from "./harness.ts";
import type { TestRegistry } from "./registry.ts";

/** A status, or what the registry answers to another path, or a connection that breaks. */
type Answer = { status: number; headers?: OutgoingHttpHeaders } | { path: string } | "breaks";

/** What is said of a path (`/v2/acme/agents/manifests/v0.1.1`); undefined where the registry itself answers. */
export type Rule = (path: string, server: string, method: string) => Answer | undefined;

/** Runs `use` with the address of a front of the registry, which answers by `rule` first. */
export async function withFront<T>(registry: TestRegistry, rule: Rule, use: (server: string) => Promise<T>) {
  const server = `localhost:${await freePort()}`;
  const front = createServer(registry.certificate, (asked, response) => {
    const { url = "", method = "" } = asked;
    const answer = rule(url, server, method);
    if (answer === undefined) pass(registry, url, asked, response);
    else if (answer === "breaks") asked.once("data", () => asked.destroy());
    else if ("path" in answer) pass(registry, answer.path, asked, response);
    else response.writeHead(answer.status, answer.headers).end();
  });
  front.listen(Number(server.split(":")[1]), "localhost");
  await once(front, "listening");
  try {
    return await use(server);
  } finally {
    front.closeAllConnections();
    front.close();
  }
}

function pass(registry: TestRegistry, url: string, asked: IncomingMessage, response: ServerResponse): void {
  const { method, headers } = asked;
  const passed = request(`https://${registry.server}${url}`, { method, headers, ca: registry.certificate.cert });
  passed.on("response", (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)));
  passed.on("error", () => response.destroy());
  asked.pipe(passed);
}
