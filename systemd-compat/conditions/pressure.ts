// Conditions about how much work is held up for want of memory, CPU or disks, as the kernel measures it.

import { parseShare } from "../parser/number.js";
import { parseTimeSpan } from "../parser/time-span.js";
import type { Evaluator } from "./files.js";

/** The times over which the kernel averages, in seconds, and their names in its files. */
const averages: readonly (readonly [seconds: number, name: string])[] = [
  [10, "avg10"],
  [60, "avg60"],
  [300, "avg300"],
];

/** `SLICE: SHARE/TIME`, of which only the share is needed; a slice is taken for the whole system. */
function pressureBelow(resource: "memory" | "cpu" | "io"): Evaluator {
  return async (parameter, view) => {
    const text = await view.text(`/proc/pressure/${resource}`);
    // A kernel that does not measure it knows of no pressure.
    if (text === undefined) return true;
    const [, shareText = "", timeText] = /^(?:[^:]*:)?[ \t]*([^/]*)(?:\/(.*))?$/.exec(parameter) ?? [];
    const share = parseShare(shareText);
    const seconds = timeText === undefined ? 300 : parseTimeSpan(timeText);
    if (share === undefined || seconds === undefined) return false;
    const name = averages.find(([most]) => seconds <= most)?.[1];
    if (name === undefined) return false;
    // Of CPUs only "some" means anything for the system as a whole.
    const [, line = ""] = new RegExp(`^${resource === "cpu" ? "some" : "full"} (.*)$`, "m").exec(text) ?? [];
    const [, measured] = new RegExp(`\\b${name}=([\\d.]+)`).exec(line) ?? [];
    return measured !== undefined && Number(measured) / 100 <= share;
  };
}

export const pressureEvaluators = {
  MemoryPressure: pressureBelow("memory"),
  CPUPressure: pressureBelow("cpu"),
  IOPressure: pressureBelow("io"),
} as const;
