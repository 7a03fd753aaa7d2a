/** Takes out of a comment what differs from one real preview to the next: names, ports, digests, ids, and the order of the diff. */
export function masked(markdown: string, factory: string): string {
  return sortedDiff(markdown)
    .replaceAll(factory, "acme")
    .replaceAll(/"?(httpPort|httpsPort|external)(`?"?\s*[:|] ?`?)\d+/g, "$1$2<port>")
    .replaceAll(/\b[0-9a-f]{64}\b|(?<=`)[0-9a-f]{12}(?=`)/g, "<digest>")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
    .replaceAll(/\[id=[^\]]*\]/g, "[id=<id>]");
}

/** Pulumi shows resources in the order it came to them, which is another one each time. */
function sortedDiff(markdown: string): string {
  return markdown.replace(/(?<=\n {4}\[urn=[^\n]*\n)([\s\S]*?)(?=\n {4}--outputs|\nResources:)/, (resources) =>
    resources
      .split(/\n(?= {4}[^ ])/)
      .sort((a, b) => urnOf(a).localeCompare(urnOf(b)))
      .join("\n"),
  );
}

function urnOf(resource: string): string {
  return /\[urn=(.*)\]/.exec(resource)?.[1] ?? "";
}
