// What a timer is, as data: its definition, which a constructor carries, and its running value, from which a next daemon
// goes on.

import type { ProcessOptions } from "../definition/types.js";
import type { SizedPolicy } from "../logs/rotation-policy.js";
import type { CalendarEvent } from "./calendar/event.js";

/** A fixed span of time between occurrences. Made by `interval`; plain data, and frozen. */
export interface Interval {
  readonly kind: "interval";
  /** In seconds. */
  readonly period: number;
  /** Whence it is counted: the service's start, the end of the run before, or the boot of the machine. */
  readonly from: "start" | "end" | "boot";
}

export type Schedule = CalendarEvent | Interval;

/** A program and how it is run. Made by `command`; plain data, and frozen. */
export interface TimerCommand {
  readonly kind: "command";
  readonly command: readonly [string, ...string[]];
  readonly options: Omit<ProcessOptions, "logFile">;
}

/** User code that is called in the supervisor: what it gives is not looked at, and what it throws is kept with the run. */
export type TimerProcedure = () => unknown;

/** What becomes of an occurrence while the run of an earlier one goes on. */
export type Overlap =
  /** It is left out. */
  | "skip"
  /** One run more begins as soon as that one is over. */
  | "queue"
  /** They run side by side. */
  | "allow";

/** The key under which a timer's constructor carries its function, which is no data. */
export const timerProcedure: unique symbol = Symbol.for("shepherd-ts.timer-procedure") as never;

/** `makeTimerConstructor`, as data. */
export interface TimerData {
  readonly kind: "timer";
  readonly schedule: Schedule;
  readonly action: TimerCommand | { readonly kind: "procedure" };
  /** Absent: without an end. */
  readonly occurrences?: number;
  readonly logFile?: string;
  /** Seconds. */
  readonly maxDuration?: number;
  readonly terminationSignal: number;
  readonly overlap: Overlap;
  /** Seconds. */
  readonly randomDelay: number;
  readonly persistent: boolean;
  /** What holds for all logs while it runs; absent: nothing. */
  readonly logs?: SizedPolicy;
}

// Types and not interfaces, since those are not known to be JSON.

/** Where a timer is in time. All numbers are milliseconds, and whole. */
export type Timing = {
  /** What was due up to this instant, by the schedule's clock, has been dealt with. */
  readonly last: number;
  /** What `last` was before the clock was set back by so much that the timer began anew, until a run is due. */
  readonly former?: number;
  /** The instant, by the monotonic clock, from which an interval counts. */
  readonly anchor: number;
  /** When the machine was booted, by the wall clock as it was: it moves when that clock is set, and at no other time. */
  readonly epoch: number;
  /** The coming occurrence; absent where there is none. */
  readonly next?: number;
  /** By how much that one is put off. */
  readonly delay: number;
};

/** A run that goes on. Times are seconds since the epoch. */
export type Run = {
  /** The keeper's name of its process, or a name like it of a function's call. */
  readonly id: string;
  /** 0 until it is known, and for a function. */
  readonly pid: number;
  readonly start: number;
  readonly timedOut?: true;
};

/** How a run ended: a raw wait status, or what became of a function or of what could not be run. */
export type Outcome = number | "success" | "interrupted" | { readonly exception: string };

export type PastRun = {
  readonly outcome: Outcome;
  readonly start: number;
  readonly end: number;
  /** It took longer than it may, and was ended. */
  readonly timedOut?: true;
};

/** The running value of a timer. */
export type TimerState = {
  readonly type: "timer";
  /** The service's canonical name. */
  readonly service: string;
  readonly timing: Timing;
  /** Occurrences that are still to come; absent: without an end. */
  readonly remaining?: number;
  /** How many runs are due and have not begun. */
  readonly waiting: number;
  /** Oldest first. */
  readonly runs: readonly Run[];
  /** Newest first. */
  readonly past: readonly PastRun[];
};
