import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { parseResolved } from "../../../operations/migrate/read/compose.ts";
import { readComposeFile } from "../../../operations/migrate/read/compose-file.ts";
import type { InspectedContainer, InspectedImage } from "../../../operations/migrate/read/containers.ts";
import { resolveProject } from "../../../operations/migrate/read/project.ts";
import { readProjectFiles } from "../../../operations/migrate/read/project-files.ts";
import { rolesOf } from "../../../operations/migrate/read/role.ts";
import { type Evidence, readServices } from "../../../operations/migrate/read/services.ts";
import { readVariables } from "../../../operations/migrate/read/variables.ts";

const recorded = (name: string) => readFileSync(join(import.meta.dirname, "compose", name), "utf8");
const v1 = { file: recorded("v1.yml"), containers: recorded("v1-containers.json"), container: "shop_agents_1" };
const v2 = { file: recorded("v2.json"), containers: recorded("v2-containers.json"), container: "shop-agents-1" };

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function evidence({ file, containers }: typeof v1, change = (_: InspectedContainer) => {}): Evidence {
  const parsed = JSON.parse(containers) as InspectedContainer[];
  for (const container of parsed) change(container);
  const image = (Id: string): InspectedImage => ({ Id, RepoDigests: [], Config: { Env: [path] } });
  const images = new Map(
    parsed.flatMap(({ Image, Config }) => [Image, Config.Image].map((key) => [key, image(Image)])),
  );
  return { project: "shop", file: parseResolved(file), containers: parsed, images };
}

/** A directory with these files, which ends with the test. */
function directoryWith(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "factory-migrate-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

describe.each([
  ["v1", v1, "a$$b"],
  ["v2", v2, "a$b"],
] as const)("a deployment of %s", (_, of, dollars) => {
  test("its running agents are as the container is", () => {
    const [agents] = readServices(evidence(of));
    expect(agents).toMatchObject({
      name: "agents",
      role: { kind: "agents" },
      image: { kind: "build" },
      containers: [{ name: of.container, running: true, oneOff: false, restart: "unless-stopped" }],
      environment: { FORGE_TOKEN: "canary", API: dollars },
      ports: [{ host: 18080, container: 80 }],
      networks: ["shop_disinto-net"],
      difference: [],
    });
    expect(Object.keys(agents?.environment ?? {}).sort()).toEqual(["API", "FORGE_TOKEN"]);
    expect(agents?.mounts).toEqual([
      { kind: "volume", target: "/home/agent/data", name: "shop_agent-data", readOnly: false },
      { kind: "bind", target: "/home/agent/disinto/.env", source: "/srv/shop/.env", readOnly: true, what: "missing" },
      {
        kind: "bind",
        target: "/home/agent/disinto/projects",
        source: "/srv/shop/projects",
        readOnly: true,
        what: "missing",
      },
      {
        kind: "anonymous",
        target: "/home/agent/disinto/state",
        name: expect.stringMatching(/^[0-9a-f]{64}$/),
        readOnly: false,
      },
      {
        kind: "anonymous",
        target: "/home/agent/repos",
        name: expect.stringMatching(/^[0-9a-f]{64}$/),
        readOnly: false,
      },
      { kind: "tmpfs", target: "/scratch" },
    ]);
  });

  test("a service without a container is as the file says, whatever its profile", () => {
    expect(readServices(evidence(of))[1]).toEqual({
      name: "reproduce",
      role: { kind: "reproduce" },
      image: { kind: "registry", reference: "disinto-reproduce" },
      containers: [],
      mounts: [{ kind: "volume", target: "/home/agent/data", name: "shop_agent-data", readOnly: false }],
      environment: {},
      ports: [],
      networks: ["host"],
      difference: [],
    });
  });

  test("a container that is not what the file says: names of variables, and no value", () => {
    const [agents] = readServices(
      evidence(of, (container) => {
        container.Config.Env = ["FORGE_TOKEN=another", "MORE=1", path];
        container.Config.Image = "ghcr.io/disinto/agents:v1";
        for (const mount of container.Mounts) if (mount.Name === "shop_agent-data") mount.Name = "other_agent-data";
      }),
    );
    expect(agents?.environment).toEqual({ FORGE_TOKEN: "another", MORE: "1" });
    expect(agents?.difference).toEqual([
      `${of.container} has other values than the file of FORGE_TOKEN.`,
      `${of.container} runs without API, which the file sets.`,
      `${of.container} has MORE, which the file does not set.`,
      `${of.container} runs without volume shop_agent-data at /home/agent/data, which the file mounts.`,
      `${of.container} has volume other_agent-data at /home/agent/data, which the file does not mount.`,
    ]);
  });

  test("an older image under a tag that was built anew", () => {
    const built = evidence(of);
    const tag = built.containers[0]?.Config.Image ?? "";
    built.images.set(tag, { Id: "sha256:newer", RepoDigests: [], Config: null });
    expect(readServices(built)[0]?.difference).toEqual([
      `${of.container} runs an older image than the one that is ${tag} on this host now.`,
    ]);
  });

  test("without the file: built here, or pulled, by the digests its image has", () => {
    const digest = (name: string) => `${name}@sha256:${"a".repeat(64)}`;
    const imageWith = (...RepoDigests: string[]) => {
      const found = { ...evidence(of), file: undefined };
      const { Image } = found.containers[0] as InspectedContainer;
      found.images.set(Image, { Id: Image, RepoDigests, Config: null });
      return readServices(found)[0]?.image.kind;
    };
    expect(imageWith()).toBe("build");
    // containerd's image store has a digest for what was built too.
    expect(imageWith(digest("shop_agents"))).toBe("build");
    expect(imageWith(digest("shop-agents"))).toBe("build");
    expect(imageWith(digest("ghcr.io/disinto/agents"))).toBe("registry");
    expect(imageWith(digest("shop-agents"), digest("ghcr.io/disinto/agents"))).toBe("registry");
  });

  test("a one-off container does not speak for its service", () => {
    const oneOff = evidence(of, ({ Config: { Labels, Env } }) => {
      Labels["com.docker.compose.oneoff"] = "True";
      Env?.push("ONCE=1");
    });
    const [agents] = readServices(oneOff);
    expect(agents?.containers).toMatchObject([{ oneOff: true }]);
    expect(agents?.environment).not.toHaveProperty("ONCE");
    expect(agents?.difference).toEqual([]);
  });

  test("without a compose the containers tell, and what was built here is known by its missing digest", () => {
    const services = readServices({ ...evidence(of), file: undefined });
    expect(services.map(({ name }) => name)).toEqual(["agents"]);
    expect(services[0]).toMatchObject({ role: { kind: "agents" }, image: { kind: "build" }, difference: [] });
    expect(services[0]?.environment).toEqual({ FORGE_TOKEN: "canary", API: dollars });
  });
});

test("both syntaxes of volumes, ports and networks, and names of their own", () => {
  const { services } = readComposeFile({
    services: {
      a: {
        volumes: ["data:/a:ro", "/anonymous", { type: "volume", target: "/b" }, { type: "tmpfs", target: "/c" }],
        ports: ["8080:80", "[::1]:8443:443/tcp", "9", { published: "70", target: 7 }, { target: 6 }],
        networks: ["net"],
      },
      b: { tmpfs: "/tmp:size=1m" },
    },
    volumes: { data: { name: "kept" } },
    networks: { net: { name: "shared" }, default: null },
  });
  expect(services[0]?.mounts("p")).toEqual([
    { kind: "volume", target: "/a", name: "kept", readOnly: true },
    { kind: "anonymous", target: "/anonymous", name: "", readOnly: false },
    { kind: "anonymous", target: "/b", name: "", readOnly: false },
    { kind: "tmpfs", target: "/c" },
  ]);
  expect(services[0]?.ports).toEqual([
    { host: 70, container: 7 },
    { host: 8080, container: 80 },
    { host: 8443, container: 443 },
  ]);
  expect(services[0]?.networks("p")).toEqual(["shared"]);
  expect(services[1]?.mounts("p")).toEqual([{ kind: "tmpfs", target: "/tmp" }]);
  expect(services[1]?.networks("p")).toEqual(["p_default"]);
});

test("values that YAML could take for something else are the text they are in v1", () => {
  const { services } = parseResolved(
    "services:\n  a:\n    environment:\n      A: 1e3\n      B: '1.10'\n      C: 'null'\n      D: null\n      E: 'yes'\n" +
      "      F: 0o17\n      G: ''\n    volumes:\n    - target: /t\n      type: volume\n      read_only: true\n",
  );
  expect(services[0]?.environment).toEqual({ A: "1e3", B: "1.10", C: "null", E: "yes", F: "0o17", G: "" });
  expect(services[0]?.mounts("p")).toEqual([{ kind: "anonymous", target: "/t", name: "", readOnly: true }]);
});

test.each([
  [{ name: "agents", builds: true }, { kind: "agents" }],
  [{ name: "fleet", image: "localhost:5000/acme/agents:v1@sha256:abc", builds: false }, { kind: "agents" }],
  [
    { name: "agents-nia", image: "ghcr.io/disinto/agents:v1", builds: false },
    { kind: "hired", agent: "nia" },
  ],
  [
    { name: "agents-nia", builds: true },
    { kind: "hired", agent: "nia" },
  ],
  [{ name: "agents-db", image: "postgres:16", builds: false }, { kind: "other" }],
  [{ name: "runner", image: "ghcr.io/disinto/agents", builds: false }, { kind: "runner" }],
  [{ name: "repro", image: "disinto-reproduce", builds: false }, { kind: "reproduce" }],
  [{ name: "woodpecker-agent", image: "woodpeckerci/woodpecker-agent:v3", builds: false }, { kind: "other" }],
  [{ name: "forgejo", image: "codeberg.org/forgejo/forgejo:11", builds: false }, { kind: "other" }],
])("the role of %o is %o", (service, role) => {
  expect(rolesOf([service]).get(service.name)).toEqual(role);
});

describe("variables", () => {
  const ageFile = "age-encryption.org/v1\n-> X25519 abc\n";
  const sopsFile = "FORGE_TOKEN=ENC[AES256_GCM]\nsops_version=3.9.0\n";

  /** A program on PATH that prints this, where it is asked in these words. */
  function program(name: string, asked: string, printed: string): void {
    const bin = directoryWith({ [name]: `#!/bin/sh\n[ "$*" = "${asked}" ] || exit 9\nprintf '${printed}'\n` });
    chmodSync(join(bin, name), 0o755);
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
  }

  test(".env has the first word, then .env.enc, then secrets/", async () => {
    const directory = directoryWith({
      ".env": "A=env\n",
      ".env.enc": sopsFile,
      "secrets/A.enc": ageFile,
      "secrets/B.enc": ageFile,
      "key.txt": "key",
    });
    const key = join(directory, "key.txt");
    vi.stubEnv("SOPS_AGE_KEY_FILE", key);
    program(
      "sops",
      `--decrypt --input-type dotenv --output-type dotenv ${directory}/.env.enc`,
      "A=sops\\nB=sops\\nC=sops\\n",
    );
    const bin = directoryWith({ age: "#!/bin/sh\nprintf 'age\\n'\n" });
    chmodSync(join(bin, "age"), 0o755);
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
    const unread: string[] = [];
    expect(await readVariables(directory, undefined, unread)).toEqual({ A: "env", B: "sops", C: "sops" });
    expect(unread).toEqual([]);
  });

  test("what cannot be decrypted is said, with the command", async () => {
    const directory = directoryWith({ ".env.enc": sopsFile, "secrets/NPM_TOKEN.enc": ageFile });
    vi.stubEnv("SOPS_AGE_KEY_FILE", "/nonexistent/keys.txt");
    vi.stubEnv("PATH", "/nonexistent");
    onTestFinished(() => void vi.unstubAllEnvs());
    const unread: string[] = [];
    expect(await readVariables(directory, undefined, unread)).toEqual({});
    expect(unread).toEqual([
      "secrets/NPM_TOKEN.enc cannot be decrypted: there is no key /nonexistent/keys.txt (SOPS_AGE_KEY_FILE names another). " +
        "See it with: age --decrypt --identity /nonexistent/keys.txt secrets/NPM_TOKEN.enc",
      ".env.enc cannot be decrypted: there is no sops on PATH. " +
        "See it with: sops --decrypt --input-type dotenv --output-type dotenv .env.enc",
    ]);
  });
});

test("projects: what the files say, else their names; a broken one is said", () => {
  const directory = directoryWith({
    "projects/site.toml":
      'name = "website"\nrepo = "acme/website"\nforge_url = "https://forge.example"\n[ci]\nname = "no"\n',
    "projects/tool.toml": "",
    "projects/broken.toml": "name =\n",
    "projects/site.toml.example": "",
  });
  const unread: string[] = [];
  expect(readProjectFiles(directory, unread)).toEqual([
    {
      name: "website",
      file: join(directory, "projects/site.toml"),
      repo: "acme/website",
      forgeUrl: "https://forge.example",
    },
    { name: "tool", file: join(directory, "projects/tool.toml") },
  ]);
  expect(unread).toEqual([expect.stringMatching(/^projects\/broken\.toml cannot be read: /)]);
});

describe("without a compose", () => {
  const containers = (change = (_: InspectedContainer) => {}) => evidence(v2, change).containers;

  test("the project is the one that was started there", async () => {
    const at = (project: string) =>
      containers(({ Config: { Labels } }) => {
        Labels["com.docker.compose.project"] = project;
      });
    const located = { directory: "/srv/shop", compose: undefined, variables: {} };
    expect(await resolveProject({ ...located, containers: at("shop") })).toEqual({
      project: "shop",
      reason: "The compose file cannot be read: /srv/shop has none. Only what containers tell is known.",
    });
    await expect(resolveProject({ ...located, containers: [...at("a"), ...at("b")] })).rejects.toThrow(
      "Several compose projects were started from /srv/shop: a, b.",
    );
    await expect(resolveProject({ ...located, containers: [] })).rejects.toThrow(
      "There is no compose file in /srv/shop (compose.yaml",
    );
  });

  test("a file that was left alone needs one", async () => {
    const directory = directoryWith({ "compose.yml": "" });
    await expect(
      resolveProject({ directory, compose: undefined, variables: {}, containers: containers() }),
    ).rejects.toThrow("no docker compose and no docker-compose here");
  });
});
