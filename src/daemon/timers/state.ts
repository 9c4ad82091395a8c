// What happens to a timer's runs, as pure functions from one state to the next.

import type { RunningValue } from "../definition/types.js";
import type { Outcome, Overlap, PastRun, Run, TimerState, Timing } from "./types.js";

/** As many as the Shepherd keeps. */
const pastRuns = 50;
/** How many runs may go on side by side. */
export const mostRuns = 32;
/** Characters of an exception that are kept with a run. */
const longestException = 500;

export function initialTimer(service: string, timing: Timing, occurrences: number | undefined): TimerState {
  return {
    type: "timer",
    service,
    timing,
    ...(occurrences === undefined ? {} : { remaining: occurrences }),
    waiting: 0,
    runs: [],
    past: [],
  };
}

/** Whether a running value is a timer's. */
export function isTimer(value: RunningValue | undefined): value is TimerState & RunningValue {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "timer" &&
    "timing" in value &&
    "runs" in value
  );
}

/** One run more is due; undefined where those that go on, or are due already, do not allow it. */
export function admit(state: TimerState, overlap: Overlap): TimerState | undefined {
  const { waiting, runs } = state;
  const limit = { skip: 1 - runs.length, queue: 1, allow: mostRuns - runs.length }[overlap];
  return waiting < limit ? { ...state, waiting: waiting + 1 } : undefined;
}

/** An occurrence has come about. */
export function count(state: TimerState): TimerState {
  const { remaining } = state;
  return remaining === undefined ? state : { ...state, remaining: Math.max(0, remaining - 1) };
}

export function mayBegin({ waiting, runs }: TimerState, overlap: Overlap): boolean {
  return waiting > 0 && (overlap === "allow" || runs.length === 0);
}

export function begin(state: TimerState, run: Run): TimerState {
  return { ...state, waiting: state.waiting - 1, runs: [...state.runs, run] };
}

export function update(state: TimerState, id: string, change: Partial<Run>): TimerState {
  return { ...state, runs: state.runs.map((run) => (run.id === id ? { ...run, ...change } : run)) };
}

/** A run is over. */
export function finish(state: TimerState, id: string, outcome: Outcome, end: number): TimerState {
  const run = state.runs.find((one) => one.id === id);
  if (run === undefined) return state;
  const { start, timedOut } = run;
  const runs = state.runs.filter((one) => one.id !== id);
  return remember({ ...state, runs }, { outcome, start, end, ...(timedOut ? { timedOut } : {}) });
}

/** A run that was due could not begin. */
export function fail(state: TimerState, reason: string, time: number): TimerState {
  const outcome = { exception: reason };
  return remember({ ...state, waiting: state.waiting - 1 }, { outcome, start: time, end: time });
}

/** Whether there is an alarm to wait for. */
export function isArmed({ remaining, timing }: TimerState): boolean {
  return remaining !== 0 && timing.next !== undefined;
}

export function isBusy({ waiting, runs }: TimerState): boolean {
  return waiting > 0 || runs.length > 0;
}

function remember(state: TimerState, run: PastRun): TimerState {
  return { ...state, past: [shortened(run), ...state.past.slice(0, pastRuns - 1)] };
}

function shortened(run: PastRun): PastRun {
  if (typeof run.outcome !== "object") return run;
  return { ...run, outcome: { exception: run.outcome.exception.slice(0, longestException) } };
}
