# EDGE_ROUTES, as text, to Caddy's words. Of a value nothing but what these patterns let through gets into them.
def refused($what): "EDGE_ROUTES \($what): correct disinto:edge.routes" | halt_error(64);
def is($pattern): type == "string" and test("\\A(" + $pattern + ")\\z");
def portFits:
  capture("\\A(?<scheme>https?)://[^/:]+(:(?<port>[0-9]+))?")
  | .port == null or ((.port | tonumber) < 65536 and .port != (if .scheme == "http" then "443" else "80" end));

def checked:
  if type != "object" or (keys - ["path", "stripPrefix", "upstream"]) != [] then "not made of path, upstream and stripPrefix"
  elif .path | is("(/[a-z0-9_-][a-z0-9._~-]*)+") | not then "no path like /ci in it"
  elif .path | is("/(status|forge)(/.*)?") then "the edge's own path, \(.path)"
  elif .upstream | is("https?://[A-Za-z0-9._-]+(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/-]*)?") | not then
    "no upstream http(s)://HOST[:PORT][/PATH] in it, without user or password"
  elif .upstream | portFits | not then "an upstream with a port that does not fit"
  elif .stripPrefix | (. != null and type != "boolean") then "a stripPrefix that is neither true nor false"
  else null end;

def caddy($name):
  (.upstream | capture("\\A(?<origin>https?://[^/]+)(?<base>.*)\\z")) as { $origin, $base }
  | ($base | rtrimstr("/")) as $base
  | if .stripPrefix then "redir \(.path) \(.path)/", "@\($name) path \(.path)/*" else "@\($name) path \(.path) \(.path)/*" end,
    # In route, Caddy keeps this order.
    "handle @\($name) {",
    "  route {",
    (if .stripPrefix then "    uri strip_prefix \(.path)" else empty end),
    (if $base != "" then "    rewrite * \($base){uri}" else empty end),
    "    reverse_proxy \($origin) {",
    "      header_up Host {upstream_hostport}",
    "    }",
    "  }",
    "}";

. as $text
| (try fromjson catch refused("is not JSON"))
| if type != "array" then refused("is not a list") else . end
| (to_entries[] | (.value | checked) as $problem | if $problem then refused("has in [\(.key)] \($problem)") else empty end),
  (if (map(.path) | length) != (map(.path) | unique | length) then refused("has a path twice") else empty end),
  # Of two paths one below the other, the longer one is asked first.
  (sort_by(-(.path | length)) | to_entries[] | .key as $key | .value | caddy("route\($key)"))
