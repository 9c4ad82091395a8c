// What was done in a round and what came of it.

import type { Operation } from "./workload.js";
import { describeOperation } from "./workload.js";

/**
 * "done" and "refused" are answers; "cut" is an end of file without one: whether it was carried out is unknown. "silent"
 * and "unreachable" must not be. A crash or a flood "hit" a life, or "missed": there was none.
 */
export type Outcome = "done" | "refused" | "cut" | "silent" | "unreachable" | "hit" | "missed";

/** Times are milliseconds since the round's beginning. */
export interface Done {
  readonly operation: Operation;
  readonly outcome: Outcome;
  readonly sent: number;
  readonly ended: number;
  /** The life that a crash or a flood was for. */
  readonly mark?: string;
  readonly text: string;
}

export interface Killed {
  readonly victim: "daemon" | "writer";
  /** Its number in its namespace; 0 if there was nobody to kill. */
  readonly pid: number;
  /** The instant, in words. */
  readonly instant: string;
  /** Undefined where the instant was the victim's own, at a crash point. */
  readonly done?: number;
}

export interface History {
  readonly operations: readonly Done[];
  readonly kills: readonly Killed[];
}

export function describeHistory({ operations, kills }: History): string {
  const lines = [
    ...operations.map(({ operation, outcome, sent, ended, mark = "" }) => ({
      at: sent,
      text: `${describeOperation(operation)}: ${outcome} at ${ended.toFixed(1)} ${mark}`,
    })),
    ...kills.map(({ victim, done, pid, instant }) => ({
      at: done ?? Number.NaN,
      text: `KILL ${victim} (${pid}) ${instant}`,
    })),
  ];
  return lines
    .sort((a, b) => a.at - b.at)
    .map(
      ({ at, text }) =>
        `${Number.isNaN(at) ? "?".padStart(8) : at.toFixed(1).padStart(8)} ms  ${text.trimEnd()}`,
    )
    .join("\n");
}
