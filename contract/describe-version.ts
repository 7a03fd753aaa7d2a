/** One version where all images have the same, else each image's; `-` where there are none. */
export function describeVersions(versions: (readonly [image: string, version: string])[]): string {
  const short = versions.map(([image, version]) => [image, version.slice(0, 40)] as const);
  const distinct = new Set(short.map(([, version]) => version));
  if (distinct.size <= 1) return [...distinct].join("") || "-";
  return short.map((version) => version.join(" ")).join(", ");
}
