import { z } from "zod";

// docker/edge/bin/routes.jq asks the same again of what the edge is handed.
const path = /^(\/[a-z0-9_-][a-z0-9._~-]*)+$/;
const taken = /^\/(status|forge)(\/|$)/;

/** Routes of the edge besides its own. Caddy compares paths without regard to case: here they are lower case. */
export const edgeRoutes = z
  .array(
    z.strictObject({
      path: z
        .string()
        .regex(path)
        .refine((text) => !taken.test(text))
        .meta({
          description: "Path on the edge; it and all below it go to the upstream.",
          allowed: "lower case words of letters, digits and . _ ~ -, each after a /; not /status or /forge",
          example: "/ci",
        }),
      upstream: z
        .string()
        .regex(/^https?:\/\/[A-Za-z0-9._-]+(:[1-9]\d{0,4})?(\/[A-Za-z0-9._~/-]*)?$/)
        .refine((address) => portFits(address))
        .meta({
          description:
            "Address the edge passes them to, as a container on the factory's network reaches it. It sees its own host's name; the visitor's is in X-Forwarded-Host.",
          allowed:
            "an http:// (not on port 443) or https:// (not on port 80) address without a user or a password in it",
          example: "http://woodpecker:8000",
        }),
      stripPrefix: z
        .boolean()
        .meta({
          description: "Take the path away before the upstream sees it: /staging/x arrives as /x.",
          allowed: "true or false",
          example: "true",
        })
        .prefault(false),
    }),
  )
  .refine((list) => new Set(list.map((route) => route.path)).size === list.length)
  .meta({
    description:
      "What else the edge's ports lead to. An upstream that is down answers 502, and takes nothing else along.",
    allowed: "a list of path, upstream and stripPrefix, each path once",
    example: '[{path: /ci, upstream: "http://woodpecker:8000"}]',
    unset: "none",
  })
  .optional();

/** Caddy does not start on a port that there is not, or that is the other scheme's. */
function portFits(address: string): boolean {
  const [, scheme, port] = /^(https?):\/\/[^/:]+(?::(\d+))?/.exec(address) ?? [];
  return port === undefined || (Number(port) < 65536 && port !== (scheme === "http" ? "443" : "80"));
}
