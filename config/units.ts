const secondsPer = { s: 1, m: 60, h: 3600 } as const;
const mebibytesPer = { m: 1, g: 1024 } as const;

/** `90s`, `5m`, `12h`: a whole number above zero and a unit. */
export const durationPattern = /^([1-9]\d{0,5})(s|m|h)$/;

/** `512m`, `4g`: a whole number above zero and a unit, mebibytes or gibibytes. */
export const sizePattern = /^([1-9]\d{0,6})(m|g)$/;

/** Seconds in a duration that matches {@link durationPattern}. */
export function seconds(duration: string): number {
  const [, amount, unit] = durationPattern.exec(duration) ?? [];
  return Number(amount) * secondsPer[unit as keyof typeof secondsPer];
}

/** Mebibytes in a size that matches {@link sizePattern}. */
export function mebibytes(size: string): number {
  const [, amount, unit] = sizePattern.exec(size) ?? [];
  return Number(amount) * mebibytesPer[unit as keyof typeof mebibytesPer];
}

/**
 * Go's canonical form of a duration (`1m30s`, `1h0m0s`), the only one the Docker provider reads back unchanged.
 * @param total whole seconds
 */
export function goDuration(total: number): string {
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = total % 60;
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  if (minutes > 0) return `${minutes}m${rest}s`;
  return `${rest}s`;
}
