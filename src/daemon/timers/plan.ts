// When a timer goes off next and whether it is due: a pure function of its schedule, of what was dealt with and of the
// clocks, that knows what to make of clocks that are set, and of machines that sleep.

import type { CalendarEvent } from "./calendar/event.js";
import type { Schedule, Timing } from "./types.js";

/** What the clocks say, in whole milliseconds. */
export interface Instant {
  /** Since the epoch: the clock on the wall, which can be set. */
  readonly realtime: number;
  /** Since boot, without what the machine slept. */
  readonly monotonic: number;
  /** Since boot, with it. */
  readonly boottime: number;
}

export interface Policy {
  readonly schedule: Schedule;
  /** Whether what was missed is made up for, however late. */
  readonly persistent: boolean;
  /** Gives by how many milliseconds an occurrence is put off. */
  readonly delay: () => number;
  /** The first occurrence of a calendar event after an instant; undefined where there is none. */
  readonly nextOccurrence: (event: CalendarEvent, after: number) => number | undefined;
}

export interface Plan {
  readonly timing: Timing;
  /**
   * `run`: one run is due, however many occurrences were missed. `left-out`: the clock was set past at least one, by so
   * much that its time has not come but is over.
   */
  readonly outcome: "wait" | "run" | "left-out";
}

/**
 * Up to how many milliseconds a clock that is set is one that was wrong by as much, as in Vixie cron: set back, nothing
 * happens twice, and set forward, what was skipped happens at once. Beyond it the old time means nothing, and the timer
 * begins anew: a clock that was set back by a year must not make it wait for one, nor must the first right time after a boot in 1970
 * make everything happen.
 */
export const tolerance = 3 * 60 * 60 * 1000;

/** Everything up to `now` counts as dealt with. */
export function beginTiming(policy: Policy, now: Instant): Timing {
  return ahead(
    policy,
    { last: timeOf(policy.schedule, now), anchor: now.monotonic, epoch: 0, delay: 0 },
    now,
  );
}

/** What is to be done at `now`, be it because an alarm went off, the clock was set or a daemon took over. */
export function plan(policy: Policy, timing: Timing, now: Instant): Plan {
  const time = timeOf(policy.schedule, now);
  const { last: _last, former: _former, ...rest } = timing;
  const planned = ahead(policy, { ...rest, ...dealtWith(timing, time) }, now);
  const alarm = alarmOf(planned);
  if (alarm === undefined || alarm > time) return { outcome: "wait", timing: planned };
  const jump = policy.schedule.kind === "calendar" ? planned.epoch - timing.epoch : 0;
  const isOver = Math.min(jump, time - alarm) > tolerance && !policy.persistent;
  const { former: _over, ...over } = planned;
  return { outcome: isOver ? "left-out" : "run", timing: ahead(policy, { ...over, last: time }, now) };
}

/**
 * What is known to be dealt with at `time`. A clock that was set back by much may have been right before, as that of a
 * machine which begins in 1970 until it has asked others for the time: then all of it counts again.
 */
function dealtWith({ last, former }: Timing, time: number): Pick<Timing, "last" | "former"> {
  if (last - time > tolerance) return { last: time, former: Math.max(last, former ?? last) };
  if (former === undefined) return { last };
  return former > time ? { last, former } : { last: Math.max(last, former) };
}

/** The latest instant up to which everything has been dealt with, whatever the clock says by now. */
export function latest({ last, former = last }: Timing): number {
  return Math.max(last, former);
}

/** When the alarm is to go off; undefined where nothing is to come. */
export function alarmOf({ next, delay }: Timing): number | undefined {
  return next === undefined ? undefined : next + delay;
}

/** The coming occurrences of what is planned, at most `count`, the alarm first. */
export function coming(
  { schedule, nextOccurrence }: Pick<Policy, "schedule" | "nextOccurrence">,
  timing: Timing,
  count: number,
): number[] {
  const alarm = alarmOf(timing);
  if (alarm === undefined || timing.next === undefined || count < 1) return [];
  const found = [alarm];
  // When a run that has not begun will end is not known.
  if (schedule.kind === "interval" && schedule.from === "end") return found;
  let { next } = timing;
  while (found.length < count) {
    const following = occurrenceAfter({ schedule, nextOccurrence }, next, timing.anchor);
    if (following === undefined) break;
    found.push(following);
    next = following;
  }
  return found;
}

/** The clock that a schedule goes by. */
export function clockOf(schedule: Schedule): "realtime" | "monotonic" {
  return schedule.kind === "calendar" ? "realtime" : "monotonic";
}

function timeOf(schedule: Schedule, now: Instant): number {
  return now[clockOf(schedule)];
}

/** The same with the occurrence that follows `last`. One that was planned already keeps its delay. */
function ahead(policy: Policy, { next: before, delay, ...timing }: Timing, now: Instant): Timing {
  const next = occurrenceAfter(policy, timing.last, timing.anchor);
  const epoch = now.realtime - now.boottime;
  if (next === undefined) return { ...timing, epoch, delay: 0 };
  return { ...timing, epoch, next, delay: next === before ? delay : policy.delay() };
}

function occurrenceAfter(
  { schedule, nextOccurrence }: Pick<Policy, "schedule" | "nextOccurrence">,
  after: number,
  anchor: number,
): number | undefined {
  if (schedule.kind === "calendar") return nextOccurrence(schedule, after);
  const period = Math.round(schedule.period * 1000);
  switch (schedule.from) {
    case "start":
      return anchor + (Math.floor((after - anchor) / period) + 1) * period;
    case "boot":
      return (Math.floor(after / period) + 1) * period;
    case "end":
      return after + period;
  }
}
