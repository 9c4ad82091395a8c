// When a calendar event happens: pure arithmetic on the time that is given, by the time zones' data of Node.

import { millisecondsPerDay, nextDay } from "./days.js";
import type { CalendarEvent } from "./event.js";
import { type Period, periodAt } from "./zone.js";

/** More than any clock was ever set forward or back at once: across the date line, by a whole day. */
const largestChange = 2 * millisecondsPerDay;

/**
 * The first instant after `after` at which the event happens, in milliseconds since the epoch; undefined if it never does
 * again. How it goes over the changes of the clock is said at `CalendarEvent`.
 *
 * @throws RangeError where `after` is no time that a Date can have
 */
export function nextOccurrence(event: CalendarEvent, after: number): number | undefined {
  const skippedTimesCount = event.hours.length < 24;
  // What the clock showed before the period that is looked at, it shows a second time. A change that long before `after`
  // shows nothing again that comes after it.
  let shown = Number.NEGATIVE_INFINITY;
  let from = after - largestChange;
  for (;;) {
    const { offset, end, nextOffset }: Period = periodAt(from, event.timeZone);
    const first = Math.max(from, after + 1) + offset;
    const reading = nextReading(event, event.wildcard ? first : Math.max(first, shown));
    if (reading !== undefined && reading - offset < end) return reading - offset;
    if (end > after && nextOffset > offset && skippedTimesCount) {
      const skipped = nextReading(event, end + offset);
      if (skipped !== undefined && skipped < end + nextOffset) return end;
    }
    if (end === Number.POSITIVE_INFINITY) return undefined;
    shown = Math.max(shown, end + offset);
    const upcoming = nextReading(event, end + nextOffset);
    if (upcoming === undefined) return undefined;
    from = Math.max(end, upcoming - nextOffset - largestChange);
  }
}

/** The next occurrences after `after`, up to `count`; fewer where there are no more. */
export function occurrences(event: CalendarEvent, after: number, count: number): number[] {
  const found: number[] = [];
  for (let last: number | undefined = after; found.length < count; found.push(last)) {
    last = nextOccurrence(event, last);
    if (last === undefined) break;
  }
  return found;
}

/**
 * The first matching reading of a clock that is never set, not before `from`: both are in milliseconds from what it shows
 * at the beginning of 1970.
 */
function nextReading(event: CalendarEvent, from: number): number | undefined {
  const today = Math.floor(from / millisecondsPerDay);
  const day = nextDay(event, today);
  if (day === undefined) return undefined;
  const time = nextTime(event, day === today ? Math.ceil((from - day * millisecondsPerDay) / 1000) : 0);
  return time === undefined
    ? nextReading(event, (today + 1) * millisecondsPerDay)
    : day * millisecondsPerDay + time * 1000;
}

/** The first matching time of day, in seconds, not before `from`; undefined if there is none on that day any more. */
function nextTime({ hours, minutes, seconds }: CalendarEvent, from: number): number | undefined {
  for (const hour of hours)
    for (const minute of minutes) {
      const start = (hour * 60 + minute) * 60;
      if (start + 59 < from) continue;
      const second = seconds.find((candidate) => start + candidate >= from);
      if (second !== undefined) return start + second;
    }
  return undefined;
}
