// Waits for something that may never come to an end.

import { setTimeout as delay } from "node:timers/promises";

/** Resolves when `work` has, or after `seconds`, whichever is first; rejects where `work` does before. */
export async function settledWithin(seconds: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([work, delay(seconds * 1000, undefined, { ref: false, signal: over.signal })]);
  } finally {
    over.abort();
  }
}
