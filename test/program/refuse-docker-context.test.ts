import { expect, test } from "vitest";
import { refuseDockerContext } from "../../program/refuse-docker-context.ts";

const host = "unix:///var/run/docker.sock";

test("a plain pulumi is refused a Docker context, and told what to type", () => {
  const run = () => refuseDockerContext(host, { DOCKER_CONTEXT: "laptop" });
  expect(run).toThrow(`DOCKER_CONTEXT is set (laptop): it would silently override the stack's dockerHost, ${host}.`);
  expect(run).toThrow("unset DOCKER_CONTEXT");
  expect(run).toThrow("error: docker-host-conflict (docs/troubleshooting.md#docker-host-conflict)");
});

test.each([{}, { DOCKER_CONTEXT: "" }, { DOCKER_HOST: "ssh://elsewhere" }])(
  "%o is fine: the host is the stack's",
  (env) => {
    expect(() => refuseDockerContext(host, env)).not.toThrow();
  },
);
