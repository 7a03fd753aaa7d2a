/** Where data lies on the Docker host. */
export type Place = { kind: "volume"; name: string } | { kind: "directory"; path: string };

/** As people write and read it: an absolute path, or the name of a volume. */
export function formatPlace(place: Place): string {
  return place.kind === "volume" ? place.name : place.path;
}

/** Takes apart what {@link formatPlace} writes. */
export function parsePlace(text: string): Place {
  return text.startsWith("/") ? { kind: "directory", path: text } : { kind: "volume", name: text };
}

/** Docker's `--mount` for a place; its fields are CSV. */
export function mountOption(place: Place, target: string, { readOnly }: { readOnly: boolean }): string {
  const fields =
    place.kind === "volume"
      ? ["type=volume", `src=${place.name}`, `dst=${target}`, "volume-nocopy"]
      : ["type=bind", `src=${place.path}`, `dst=${target}`];
  return [...fields, ...(readOnly ? ["readonly"] : [])]
    .map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}
