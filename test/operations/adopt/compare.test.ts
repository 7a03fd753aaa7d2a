import { describe, expect, test } from "vitest";
import { differences, type ImageConfig, type Inspected } from "../../../operations/adopt/compare.ts";

const image: ImageConfig = {
  Env: ["PATH=/usr/bin"],
  Labels: { vendor: "acme" },
  Cmd: null,
  Entrypoint: ["/entrypoint"],
  User: "",
  WorkingDir: "/srv",
};

const inputs = {
  name: "acme-edge",
  image: "sha256:edge",
  envs: ["FACTORY_NAME=acme", "TOKEN=canary"],
  labels: [{ label: "io.disinto.factory", value: "acme" }],
  mounts: [
    { type: "volume", source: "acme_caddy_data", target: "/data" },
    { type: "volume", source: "acme_state", target: "/srv/factory/state", readOnly: true },
  ],
  ports: [{ internal: 80, external: 8080 }],
  capabilities: { drops: ["ALL"], adds: ["CAP_CHOWN"] },
  securityOpts: ["no-new-privileges:true"],
  memory: 256,
  memorySwap: 256,
  restart: "unless-stopped",
  stopTimeout: 30,
  logDriver: "json-file",
  logOpts: { "max-size": "10m" },
  networksAdvanced: [{ name: "network-id", aliases: ["edge"] }],
  mustRun: true,
};

/** A container that was made of {@link inputs}. */
const made = (): Inspected => ({
  Id: "0123456789abcdef",
  Name: "/acme-edge",
  Image: "sha256:edge",
  State: { Status: "running" },
  Config: {
    ...image,
    Env: ["FACTORY_NAME=acme", "TOKEN=canary", "PATH=/usr/bin"],
    Labels: { vendor: "acme", "io.disinto.factory": "acme" },
    StopTimeout: 30,
  },
  HostConfig: {
    PortBindings: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
    RestartPolicy: { Name: "unless-stopped" },
    LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
    CapAdd: ["CHOWN"],
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges:true"],
    Memory: 256 * 1024 ** 2,
    MemorySwap: 256 * 1024 ** 2,
  },
  Mounts: [
    { Type: "volume", Name: "acme_caddy_data", Source: "/var/lib/docker/x", Destination: "/data", RW: true },
    { Type: "volume", Name: "acme_state", Source: "/var/lib/docker/y", Destination: "/srv/factory/state", RW: false },
  ],
  NetworkSettings: { Networks: { "acme_disinto-net": { Aliases: ["edge", "0123456789ab"], NetworkID: "network-id" } } },
});

const config = (change: Partial<Inspected["Config"]>): Partial<Inspected> => {
  return { Config: { ...made().Config, ...change } };
};
const host = (change: Partial<Inspected["HostConfig"]>): Partial<Inspected> => {
  return { HostConfig: { ...made().HostConfig, ...change } };
};
const mounts = (change: (mount: Inspected["Mounts"][number]) => object): Partial<Inspected> => {
  return { Mounts: made().Mounts.map((mount) => ({ ...mount, ...change(mount) })) };
};

function compare(change: Partial<Inspected> = {}, wanted: Record<string, unknown> = inputs): string[] {
  return differences(wanted, { ...made(), ...change }, image, "acme_disinto-net");
}

describe("a container compared with what the program wants", () => {
  test("fits where it was made of it", () => {
    expect(compare()).toEqual([]);
  });

  test.each(["default", "bridge"])("fits where the vendor's plugin fills in the network mode %s", (networkMode) => {
    expect(compare({}, { ...inputs, networkMode })).toEqual([]);
  });

  test("does not fit where the program wants what cannot be compared", () => {
    expect(compare({}, { ...inputs, networkMode: "host" })).toEqual(["networkMode, which adopt cannot compare"]);
    expect(compare({}, { ...inputs, privileged: true })).toEqual(["privileged, which adopt cannot compare"]);
  });

  const changes: [string, Partial<Inspected>, string[]][] = [
    ["another image", { Image: "sha256:other" }, ["image"]],
    ["other variables", config({ Env: ["FACTORY_NAME=acme", "TOKEN=x"] }), ["variables (PATH, TOKEN)"]],
    ["a label less", config({ Labels: { vendor: "acme" } }), ["labels (io.disinto.factory)"]],
    ["a writable mount", mounts(() => ({ RW: true })), ["mounts (/srv/factory/state)"]],
    ["another volume", mounts(({ RW }) => (RW ? { Name: "other" } : {})), ["mounts (/data)"]],
    ["no port", host({ PortBindings: null }), ["ports (80/tcp)"]],
    ["a capability more", host({ CapAdd: ["CHOWN", "SYS_ADMIN"] }), ["capabilities (+SYS_ADMIN)"]],
    ["no limit of memory", host({ Memory: 0 }), ["memory limit (none, wanted 256 MiB)"]],
    ["another restart policy", host({ RestartPolicy: { Name: "no" } }), ["restart policy"]],
    ["another network", { NetworkSettings: { Networks: {} } }, ["network"]],
    ["a command", config({ Cmd: ["sh"] }), ["command"]],
    ["all rights", host({ Privileged: true }), ["Privileged is set"]],
    ["a device of the host", host({ Devices: [{}] }), ["Devices is set"]],
    ["a terminal", config({ Tty: true }), ["Tty is set"]],
  ];
  test.each(changes)("does not fit with %s, and no value of a variable is named", (_, change, expected) => {
    const said = compare(change);
    expect(said).toEqual(expected);
    expect(said.join()).not.toContain("canary");
  });

  test("does not fit with a health check of another interval", () => {
    const healthcheck = { tests: ["CMD", "true"], interval: "1m30s", timeout: "5s", retries: 3, startPeriod: "15s" };
    const check = { Test: ["CMD", "true"], Interval: 90e9, Timeout: 5e9, Retries: 3, StartPeriod: 15e9 };
    const wanted = { ...inputs, healthcheck };
    expect(compare(config({ Healthcheck: check }), wanted)).toEqual([]);
    expect(compare(config({ Healthcheck: { ...check, Interval: 30e9 } }), wanted)).toEqual(["health check"]);
  });
});
