import { execa as unbounded } from "execa";

/** Programs of the tests. None of them takes this long: one that does hangs, and its test is to say so. */
export const execa = unbounded({ timeout: 12 * 60_000 });
