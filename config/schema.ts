import { z } from "zod";
import { readPublicKey } from "./public-key.ts";
import { edgeRoutes } from "./routes.ts";
import { durationPattern, mebibytes, seconds, sizePattern } from "./units.ts";

/** What the docs and the errors say of one key. */
export interface KeyDocs {
  description: string;
  allowed: string;
  example: string;
  /** Said in the docs where the schema has no default of its own. */
  unset?: string;
}

/** A name that a shell takes for a variable's. */
const variableName = /^[A-Za-z_]\w*$/;

export const roles = ["dev", "review", "planner", "gardener", "architect", "supervisor", "predictor"] as const;

/** Keys that hold a secret, and must be set with `--secret`. */
export const secretKeys = ["forgeToken", "registryToken", "snapshotPassword", "agentSecrets", "hiredSecrets"] as const;

const imageKeyAllowed =
  "a version (v0.1.1) or a full reference (ghcr.io/disinto/agents:v0.1.1, with or without @sha256:...)";

const healthCheck = z
  .strictObject({
    test: z
      .array(z.string())
      .min(2)
      .refine(([kind]) => kind === "CMD" || kind === "CMD-SHELL")
      .meta(
        keyDocs({
          description: "Command that checks the container's health, run inside it.",
          allowed: "a list that begins with CMD or CMD-SHELL",
          example: '["CMD-SHELL", "test -f /tmp/alive"]',
          unset: "the image's own health check",
        }),
      ),
    interval: duration("30s", "Time between two checks."),
    timeout: duration("5s", "Time one check may take."),
    retries: whole(1, 100, 3, "Failed checks in a row that make the container unhealthy."),
    startPeriod: duration("15s", "Time after the start in which failed checks do not count."),
  })
  .optional();

const resources = z
  .strictObject({
    memory: pattern(sizePattern, {
      description: "Memory limit of agents, runner and reproduce, each; swap is off.",
      allowed: "a whole number and a unit, m or g",
      example: "4g",
    })
      .transform(mebibytes)
      .prefault("4g"),
    pids: whole(64, 65536, 2048, "Processes and threads that agents, runner and reproduce may have, each."),
  })
  .prefault({});

const drain = z
  .strictObject({
    timeout: duration("30m", "Time an upgrade waits for the agents to finish what they are at."),
    onTimeout: z
      .enum(["fail", "stop"])
      .meta(
        keyDocs({
          description: "What happens after that: the upgrade fails and they go on, or they are stopped.",
          allowed: "fail or stop",
          example: "stop",
        }),
      )
      .prefault("fail"),
    command: z
      .array(z.string().min(1))
      .min(1)
      .meta(
        keyDocs({
          description:
            "Command run inside the agents' container until it says by exit code 0 that they are idle. It should keep them from taking up new work for the next five minutes.",
          allowed: "a list: the program and its arguments",
          example: '["/app/drain"]',
          unset: "`/usr/local/lib/disinto/drain 300`, which the images of this project have",
        }),
      )
      .optional(),
  })
  .prefault({});

const agentRoles = z
  .array(z.enum(roles))
  .min(1)
  .refine((list) => new Set(list).size === list.length)
  .meta(
    keyDocs({
      description: "Roles the agents take up.",
      allowed: `a list of ${roles.join(", ")}, each at most once`,
      example: '["dev", "review"]',
    }),
  );

/** Name of a hired agent: also not one that a canary's container has. */
const hiredNamePattern = /^(?!(.*-)?canary$)(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*$/;

const hired = z
  .record(
    z.string().regex(hiredNamePattern),
    z.strictObject({
      roles: agentRoles.meta(
        keyDocs({
          description:
            "Roles this agent takes up, in a container and on data volumes of its own ([hired.md](hired.md)).",
          allowed: `a list of ${roles.join(", ")}, each at most once`,
          example: '["dev"]',
        }),
      ),
      pollInterval: duration("60s", "Time between two looks at the forge."),
      model: z
        .strictObject({
          url: pattern(/^https?:\/\/[^\s@]+$/, {
            description: "Address of the model it works with.",
            allowed: "an http:// or https:// address without a user or a password in it",
            example: "http://models.internal:8000",
            unset: "Claude's own",
          }).optional(),
          name: pattern(/^\S+$/, {
            description: "Name of the model it works with.",
            allowed: "a name without spaces",
            example: "qwen3-coder",
            unset: "Claude's choice",
          }).optional(),
        })
        .optional(),
      environment: variables(
        "Plain variables of this agent, besides `agents.environment`, which they win over.",
        "{CLAUDE_TIMEOUT: 3600}",
      ),
    }),
  )
  .meta(
    keyDocs({
      description: "Agents besides the factory's own, by name.",
      allowed: "names of up to 32 lower case letters and digits, with - between them; none that ends in canary",
      example: "",
    }),
  )
  .prefault({});

/** The stack config, key by key, below the namespace `disinto`. */
export const configSchema = z.strictObject({
  factoryName: pattern(/^(?=.{1,40}$)[a-z0-9]+((_|__|-+)[a-z0-9]+)*$/, {
    description: "Name of the factory; the names of its containers, network, volumes and kept images begin with it.",
    allowed: "up to 40 lower case letters and digits, with - or _ between them",
    example: "disinto",
  }).prefault("disinto"),
  release: imageKey(
    "Version of all three images; a key of its own wins over it.",
    "the images are built locally",
    "a version (v0.1.1)",
  ),
  agentsImage: imageKey("Image of the agents and the runner.", "`release`; without it, built locally"),
  reproduceImage: imageKey("Image of reproduce.", "`release`; without it, built locally"),
  edgeImage: imageKey("Image of the edge.", "`release`; without it, built locally"),
  registry: z
    .strictObject({
      server: pattern(/^[a-zA-Z0-9.-]+(:\d+)?$/, {
        description: "Registry that completes a bare version.",
        allowed: "a host name, with or without a port",
        example: "ghcr.io",
      }).prefault("ghcr.io"),
      namespace: pattern(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, {
        description: "Path in that registry below which the images lie.",
        allowed: "lower case letters, digits, and . _ - / between them",
        example: "disinto",
      }).prefault("disinto"),
      username: pattern(/^[^\s:]+$/, {
        description: "User that `registryToken` belongs to; GHCR takes any name with a token.",
        allowed: "a name without spaces and colons",
        example: "factory",
      }).prefault("factory"),
    })
    .prefault({}),
  registryToken: z
    .string()
    .min(1)
    .meta(
      keyDocs({
        description: "Token that reads images from `registry.server`; other registries are read with the Docker login.",
        allowed: "a token, set with --secret",
        example: "",
        unset: "the Docker login of whoever runs pulumi, where there is one",
      }),
    )
    .optional(),
  verifyImages: z
    .strictObject({
      key: z
        .string()
        .refine((pem) => readPublicKey(pem) !== undefined)
        .meta(
          keyDocs({
            description:
              "Public key that every image from a registry has to be signed by; any other is refused. Images that are built here are not checked.",
            allowed: "a public key in PEM, ECDSA P-256",
            example: "< release.pub",
            unset: "signatures are not looked at",
          }),
        ),
    })
    .optional(),
  keepReleases: whole(
    1,
    100,
    3,
    "Releases whose images stay on the Docker host for a rollback, what runs now among them; `./factory up` removes older ones.",
  ),
  mirrors: z
    .array(z.string().regex(/^[\w.-]+$/))
    .refine((list) => new Set(list).size === list.length)
    .meta(
      keyDocs({
        description: "Git remotes that a release is pushed to, besides `origin`.",
        allowed: "a list of names that `git remote` shows, each once",
        example: '["github"]',
      }),
    )
    .prefault([]),
  dockerHost: pattern(/^(unix|tcp|ssh|npipe):\/\/.+$/, {
    description: "Docker daemon the factory runs on.",
    allowed: "an address that begins with unix://, tcp://, ssh:// or npipe://",
    example: "ssh://deploy@factory-host",
  }).prefault("unix:///var/run/docker.sock"),
  network: pattern(/^(?!(bridge|host|none|default)$)[a-zA-Z0-9][\w.-]*$/, {
    description:
      "Network of the Docker host that the containers join; somebody else makes it, and the factory neither changes nor removes it.",
    allowed: "the name of a bridge network that exists; not bridge, host or none",
    example: "forge_default",
    unset: "a network of the factory's own",
  }).optional(),
  snapshots: z
    .strictObject({
      repository: pattern(/^(\/[^:,]*[^:,/]|rest:https?:\/\/[^\s@]+)$/, {
        description: "Where snapshots of the data volumes go: restic's repository. Unset, none are taken.",
        allowed: "an absolute path on the Docker host, or rest:http(s)://... without a user or a password in it",
        example: "/var/backups/disinto",
        unset: "no snapshots",
      }),
      keep: whole(1, 1000, 10, "Snapshots kept of this factory; older ones are removed after the next one."),
      beforeUpgrade: yesOrNo(true, "Take a snapshot before an upgrade changes an image."),
    })
    .optional(),
  snapshotPassword: pattern(/^[^\r\n]+$/, {
    description:
      "Password the snapshots are encrypted with. Nobody reads them without it: keep a copy away from this machine.",
    allowed: "one line of text, set with --secret",
    example: "",
  }).optional(),
  forge: z
    .strictObject({
      url: pattern(/^https?:\/\/[A-Za-z0-9._-]+(:\d+)?(\/[A-Za-z0-9._~/-]*)?$/, {
        description: "Address of the forge, without credentials.",
        allowed: "an http:// or https:// address without a user or a password in it",
        example: "https://forge.internal:3000",
      }),
      repo: pattern(/^[\w.-]+\/[\w.-]+$/, {
        description: "Repository whose issues the agents work on.",
        allowed: "owner/name",
        example: "acme/website",
      }),
    })
    .optional(),
  forgeToken: z
    .string()
    .min(1)
    .meta(
      keyDocs({
        description: "Token of the factory's account on the forge; agents and reproduce receive it, nobody else.",
        allowed: "a token, set with --secret",
        example: "",
      }),
    )
    .optional(),
  agents: z
    .strictObject({
      roles: agentRoles.prefault([...roles]),
      pollInterval: duration("5m", "Time between two looks at the forge."),
      architectInterval: duration("15m", "Time between two runs of the architect."),
      plannerInterval: duration("12h", "Time between two runs of the planner."),
      supervisorInterval: duration("20m", "Time between two runs of the supervisor."),
      resources,
      healthCheck,
      drain,
      claudeDir: hostPath(
        "Claude's shared directory on the host, mounted writable at the same path.",
        "/var/lib/disinto/claude-shared",
      ),
      sshDir: hostPath(
        "Directory with the agents' SSH keys on the host, mounted read-only at /home/agent/.ssh.",
        "/home/deploy/.ssh",
      ),
      environment: variables(
        "Plain variables of the agents' container, hired agents' as well. No secrets: those are `agentSecrets`.",
        "{CLAUDE_TIMEOUT: 7200}",
      ),
      hired,
    })
    .prefault({}),
  agentSecrets: secrets(
    "Secret variables of the agents' container, which nobody else receives: hired agents have their own.",
  ).optional(),
  hiredSecrets: z
    .record(z.string(), secrets(""))
    .meta(
      keyDocs({
        description:
          "Secret variables of hired agents, by agent (`hiredSecrets.NAME.FORGE_TOKEN`). A FORGE_TOKEN among them takes the place of `forgeToken`.",
        allowed: "by agent names and values, each set with --secret --path",
        example: "",
      }),
    )
    .optional(),
  hooks: z
    .strictObject({
      before: hook("before an image changes; where it fails, nothing is changed", "./notify.sh going down"),
      after: hook("after the images have changed, and all is healthy", "./notify.sh up again"),
    })
    .prefault({}),
  edge: z
    .strictObject({
      httpPort: whole(1, 65535, 80, "Port on the host for HTTP."),
      httpsPort: whole(1, 65535, 443, "Port on the host for HTTPS; another one than `edge.httpPort`."),
      routes: edgeRoutes,
    })
    .prefault({}),
  build: z
    .strictObject({
      source: z
        .string()
        .min(1)
        .meta(
          keyDocs({
            description: "Checkout whose docker/<image>/Dockerfile are built, in the checkout's context.",
            allowed: "a path, absolute or relative to the project",
            example: "../disinto",
            unset: "the Dockerfiles of this project",
          }),
        )
        .optional(),
      platform: pattern(/^linux\/(amd64|arm64)$/, {
        description: "Platform the images are built for.",
        allowed: "linux/amd64 or linux/arm64",
        example: "linux/arm64",
        unset: "the daemon's own",
      }).optional(),
      args: z
        .record(z.string().regex(variableName), z.string())
        .meta(
          keyDocs({
            description: "Build arguments for the Dockerfiles. They end up in the image's history: never a secret.",
            allowed: "names and values, both text",
            example: "{APT_MIRROR: mirror.internal}",
          }),
        )
        .prefault({}),
    })
    .prefault({}),
});

/** The stack config as the schema leaves it: durations in seconds, sizes in mebibytes, defaults filled in. */
export type ConfigValues = z.output<typeof configSchema>;

function keyDocs(docs: KeyDocs): KeyDocs & Record<string, unknown> {
  return { ...docs };
}

function pattern(regex: RegExp, docs: KeyDocs) {
  return z.string().regex(regex).meta(keyDocs(docs));
}

function duration(byDefault: string, description: string) {
  const docs = { description, allowed: "a whole number and a unit, s, m or h", example: byDefault };
  return pattern(durationPattern, docs).transform(seconds).prefault(byDefault);
}

function whole(least: number, most: number, byDefault: number, description: string) {
  const docs = { description, allowed: `a whole number from ${least} to ${most}`, example: String(byDefault) };
  return z.int().min(least).max(most).meta(keyDocs(docs)).prefault(byDefault);
}

function yesOrNo(byDefault: boolean, description: string) {
  return z
    .boolean()
    .meta(keyDocs({ description, allowed: "true or false", example: String(byDefault) }))
    .prefault(byDefault);
}

/** Numbers and words like `true` are what `pulumi config set --path` makes of a text. */
function variables(description: string, example: string) {
  return z
    .record(z.string().regex(variableName), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .meta(keyDocs({ description, allowed: "names and values, both text", example }))
    .prefault({});
}

function secrets(description: string) {
  return z
    .record(z.string().regex(variableName), z.string().min(1))
    .meta(keyDocs({ description, allowed: "names and values, each set with --secret --path", example: "" }));
}

function hook(when: string, example: string) {
  return pattern(/^[^\r\n]+$/, {
    description: `Shell command that is run in the project's directory ${when}. FACTORY_AGENTS_FROM and FACTORY_AGENTS_TO in its environment are the agents' versions, and so for the other images.`,
    allowed: "one line",
    example,
    unset: "none",
  }).optional();
}

function imageKey(description: string, unset: string, allowed = imageKeyAllowed) {
  return z
    .string()
    .meta(keyDocs({ description, allowed, example: "v0.1.1", unset }))
    .optional();
}

function hostPath(description: string, example: string) {
  return pattern(/^\/[^:]*[^:/]$/, {
    description,
    allowed: "an absolute path",
    example,
    unset: "not mounted",
  }).optional();
}
