// A torture as a test runs it: short, the same each time, and over at the first violation.

import { type Tally, type TortureOptions, torture } from "./torture.js";

/** With what was printed. */
export async function run(more: Partial<TortureOptions>): Promise<Tally & { readonly text: string }> {
  let text = "";
  const print = (report: string): void => {
    text += report;
  };
  const tally = await torture({ seed: 42, kills: 3, untilViolation: true, print, ...more });
  return { ...tally, text };
}
