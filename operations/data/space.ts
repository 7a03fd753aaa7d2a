/** What is to be read for a snapshot, or added by it. */
export interface Amount {
  files: number;
  bytes: number;
}

/** Bytes a snapshot may come to beside the data itself: the list of files, the index, the end of the last pack. */
function overhead({ files, bytes }: Amount): number {
  return Math.ceil(files * 1024 + bytes * 0.01) + 16 * 1024 * 1024;
}

/** Whether a snapshot that adds this much fits on a disk with `free` bytes. */
export function fits(added: Amount, free: number): boolean {
  return added.bytes + overhead(added) <= free;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes as Docker writes them: `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}

export function formatAmount({ files, bytes }: Amount): string {
  return `${formatBytes(bytes)} in ${files.toLocaleString("en-US")} ${files === 1 ? "file" : "files"}`;
}
