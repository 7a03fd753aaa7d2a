/** Style of a table: bare where the output is no terminal, or colours are not wanted. */
export function tableStyle(): { head?: string[]; border?: string[] } {
  return process.stdout.isTTY && !process.env.NO_COLOR ? {} : { head: [], border: [] };
}
