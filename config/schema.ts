import { z } from "zod";
import { readPublicKey } from "../images/public-key.ts";
import { agents } from "./agents.ts";
import { edgeRoutes } from "./edge-routes.ts";
import { hook, imageKey, keyDocs, pattern, secrets, variableName, whole, yesOrNo } from "./field-types.ts";

/** Keys that hold a secret, and must be set with `--secret`. */
export const secretKeys = ["forgeToken", "registryToken", "snapshotPassword", "agentSecrets", "hiredSecrets"] as const;

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
  agents,
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
