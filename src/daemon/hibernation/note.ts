// What a daemon that goes to sleep leaves for the one that is woken.

import type { Inventory, Request } from "../keeper/types.js";

const key = "asleep";

/**
 * The last requests of a daemon that exits. If the keeper refuses to let it hibernate, since something has just happened, the
 * next one is started at once instead: that is what the keeper has been told to do until then.
 */
export const asleepRequests: readonly Request[] = [
  { op: "put-note", key, value: new Uint8Array() },
  { op: "relaunch", reason: "something happened as it went to sleep" },
  { op: "hibernate" },
];

/** Whether the daemon before has gone to sleep: this one was woken, or started at once since it should not have. */
export function hasSlept({ notes }: Inventory): boolean {
  return notes.has(key);
}

/** Whoever comes next was not woken. */
export const awakeRequest: Request = { op: "delete-note", key };
