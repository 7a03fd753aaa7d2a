import { z } from "zod";
import { duration, hostPath, keyDocs, pattern, variables, whole } from "./field-types.ts";
import { mebibytes, sizePattern } from "./units.ts";

export const roles = ["dev", "review", "planner", "gardener", "architect", "supervisor", "predictor"] as const;

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

/** What the agents are told, and what they may use. */
export const agents = z
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
  .prefault({});
