// How an operating system, as `operatingSystem(…)` of `shepherd-ts/system` makes it, is told from other values by whoever
// has not loaded that module.

import { isRecord } from "../definition/check.js";

/** A registered symbol: whoever has another copy of this module means the same. */
export const operatingSystemMarker: unique symbol = Symbol.for("shepherd-ts.operating-system") as never;

export function isOperatingSystem(value: unknown): boolean {
  return isRecord(value) && Reflect.get(value, operatingSystemMarker) === true;
}
