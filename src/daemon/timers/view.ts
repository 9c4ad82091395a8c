// A timer as clients are told of it.

import type {
  TimerRun,
  CalendarEvent as WireEvent,
  TimerValue as WireTimer,
} from "../../protocol/running-value.js";
import { sym } from "../../protocol/sexp.js";
import { shownCommand } from "../definition/secrets.js";
import { all, type CalendarEvent, ranges } from "./calendar/event.js";
import { clockOf, coming, type Instant, type Policy } from "./plan.js";
import type { PastRun, Schedule, TimerData, TimerState } from "./types.js";

/** The Shepherd's form of a timer. The environment of its command is nobody's business. */
export function timerWireValue({ schedule, action }: TimerData, state: TimerState): WireTimer {
  const event = wireEvent(schedule);
  return {
    type: "timer",
    ...(event === undefined ? {} : { event }),
    action: action.kind === "procedure" ? "procedure" : wireCommand(action),
    processes: state.runs
      .filter(({ pid }) => pid > 0)
      .map(({ pid, start }) => ({ pid, start: Math.floor(start) })),
    remainingOccurrences: state.remaining ?? Number.POSITIVE_INFINITY,
    pastRuns: state.past.map(wireRun),
  };
}

/** When those runs ended, in seconds, that were ended since they took too long: the Shepherd's form has no word for it. */
export function timedOutRuns({ past }: TimerState): readonly number[] {
  return past.filter(({ timedOut }) => timedOut === true).map(({ end }) => Math.floor(end));
}

/** When the calls of a timer's function began that go on, in seconds: to the Shepherd's form only processes are runs. */
export function functionRuns({ action }: TimerData, { runs }: TimerState): readonly number[] {
  return action.kind === "procedure" ? runs.map(({ start }) => Math.floor(start)) : [];
}

/** The coming alarms by the wall clock, in milliseconds: at most `count`, and no more than there are occurrences. */
export function upcoming(
  policy: Policy,
  { timing, remaining }: TimerState,
  now: Instant,
  count: number,
): number[] {
  const offset = clockOf(policy.schedule) === "realtime" ? 0 : now.realtime - now.monotonic;
  return coming(policy, timing, Math.min(count, remaining ?? count)).map((alarm) => alarm + offset);
}

/** Undefined for what that form cannot tell: its reader would find other times. */
export function wireEvent(schedule: Schedule): WireEvent | undefined {
  if (schedule.kind !== "calendar" || !isPlain(schedule)) return undefined;
  const { seconds, minutes, hours, daysOfMonth, daysOfWeek, months } = schedule;
  return { seconds, minutes, hours, daysOfMonth, daysOfWeek, months };
}

function isPlain({ years, timeZone, eitherDay, daysOfMonth, daysOfWeek }: CalendarEvent): boolean {
  const isEither =
    eitherDay === true && daysOfMonth.length < all(ranges.daysOfMonth).length && daysOfWeek.length < 7;
  return years === undefined && timeZone === undefined && !isEither && daysOfMonth.every((day) => day > 0);
}

function wireCommand({
  command,
  options,
}: Extract<TimerData["action"], { kind: "command" }>): WireTimer["action"] {
  const { user, group, directory = "/" } = options;
  return {
    arguments: shownCommand(command, options),
    ...(user === undefined ? {} : { user: String(user) }),
    ...(group === undefined ? {} : { group: String(group) }),
    directory,
  };
}

function wireRun({ outcome, start, end }: PastRun): TimerRun {
  return { status: wireStatus(outcome), end: Math.floor(end), start: Math.floor(start) };
}

function wireStatus(outcome: PastRun["outcome"]): TimerRun["status"] {
  if (typeof outcome === "number" || outcome === "success") return outcome;
  const text = outcome === "interrupted" ? "interrupted: the supervisor was restarted" : outcome.exception;
  return { key: sym("misc-error"), arguments: [false, "~A", [text], false] };
}
