// Waiting for a condition. The limit only decides how soon a failure is reported.

import { setTimeout as delay } from "node:timers/promises";

const limit = 30_000;
const interval = 20;

/**
 * Waits until `condition` gives something other than false, null or undefined, and gives that.
 *
 * @param what completes "waited in vain until …"
 * @param explain tells more about the failure, such as a log
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  explain: () => string | Promise<string> = () => "",
  patience = 1,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = Date.now() + limit * patience;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) {
      return value as Exclude<T, false | null | undefined>;
    }
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}\n${await explain()}`);
    await delay(interval);
  }
}
