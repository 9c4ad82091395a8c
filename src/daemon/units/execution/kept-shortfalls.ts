// What of a unit was found not to be applied when it was started: a file beside the unit's record, for whoever asks how it
// is, be it a later daemon. It goes with the record when the unit is down.

import { join } from "node:path";
import { isRecord } from "../../definition/check.js";
import type { NotApplied } from "../types.js";
import { readOwn, writeOwn } from "./own-files.js";
import type { Places } from "./places.js";
import { ownDirectory } from "./record.js";

const fileOf = (places: Places, service: string): string =>
  join(ownDirectory(places, service), "not-applied");

/** Nothing is written where nothing was found. */
export async function keepShortfalls(
  places: Places,
  service: string,
  found: readonly NotApplied[],
): Promise<void> {
  if (found.length > 0) await writeOwn(fileOf(places, service), JSON.stringify(found));
}

/** What was kept last; nothing where the unit is down, or what is there is none of ours. */
export async function readShortfalls(places: Places, service: string): Promise<readonly NotApplied[]> {
  try {
    const list: unknown = JSON.parse((await readOwn(fileOf(places, service))) ?? "[]");
    return Array.isArray(list) ? list.filter(isNotApplied) : [];
  } catch {
    return [];
  }
}

function isNotApplied(value: unknown): value is NotApplied {
  if (!isRecord(value)) return false;
  const { directive, extent, why, file, line } = value;
  const isKnown = extent === "partly" || extent === "not";
  return (
    isKnown && [directive, why, file].every((one) => typeof one === "string") && typeof line === "number"
  );
}
