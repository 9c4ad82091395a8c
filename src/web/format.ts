// Numbers and states as the page shows them: pure functions, which the browser runs.

import { scaled } from "../herd/render/size.js";
import type { ViewState } from "./views.js";

/** A sign for each state, so that none is told by its colour alone, and the word for it. */
export const stateSigns: Readonly<Record<ViewState, { readonly sign: string; readonly word: string }>> = {
  running: { sign: "●", word: "running" },
  starting: { sign: "▲", word: "starting" },
  stopping: { sign: "▼", word: "stopping" },
  stopped: { sign: "○", word: "stopped" },
  failed: { sign: "✖", word: "failed" },
  done: { sign: "✔", word: "done" },
};

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** Seconds in their two greatest units: `2 h 5 min`. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  let rest = whole;
  const parts: string[] = [];
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}

/** `12.3 MiB`; in a column, so that all have a decimal but bytes. */
export function sizeText(bytes: number): string {
  const { value, unit } = scaled(bytes);
  return `${unit === "B" ? value : value.toFixed(1)} ${unit}`;
}

/** How many there are in which state: `3 services: 2 running, 1 failed`. */
export function summaryText(states: readonly ViewState[]): string {
  const words = Object.keys(stateSigns) as ViewState[];
  const counts = words.flatMap((state) => {
    const count = states.filter((one) => one === state).length;
    return count === 0 ? [] : [`${count} ${stateSigns[state].word}`];
  });
  const all = `${states.length} service${states.length === 1 ? "" : "s"}`;
  return counts.length === 0 ? all : `${all}: ${counts.join(", ")}`;
}
