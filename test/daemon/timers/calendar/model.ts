// The rules of calendar events said as plainly as can be, minute by minute: what the quick search is compared with. The
// clock is Intl's, which the search does not ask.

import type { CalendarEvent } from "../../../../src/daemon/timers/calendar/event.js";

const minute = 60_000;

/** What a wall clock shows at each minute, as a time in UTC with the same fields. */
export interface Clock {
  readonly from: number;
  readonly readings: readonly number[];
}

export function clockOf(timeZone: string, from: number, minutes: number): Clock {
  const format = new Intl.DateTimeFormat("sv", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const readings = Array.from({ length: minutes }, (_, index) =>
    Date.parse(`${format.format(from + index * minute).replace(" ", "T")}Z`),
  );
  return { from, readings };
}

/** Whether a clock that shows `reading` shows a time of the event; the seconds are left out. */
export function matches(event: CalendarEvent, reading: number): boolean {
  const date = new Date(reading);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const ofMonth = [date.getUTCDate(), date.getUTCDate() - last - 1].some((day) =>
    event.daysOfMonth.includes(day),
  );
  const ofWeek = event.daysOfWeek.includes(date.getUTCDay());
  return (
    (event.years?.includes(date.getUTCFullYear()) ?? true) &&
    event.months.includes(date.getUTCMonth() + 1) &&
    (event.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek) &&
    event.hours.includes(date.getUTCHours()) &&
    event.minutes.includes(date.getUTCMinutes())
  );
}

/** When an event happens within the clock's time, but its first minute. */
export function happenings(event: CalendarEvent, { from, readings }: Clock): number[] {
  const found: number[] = [];
  let [latest = 0] = readings;
  let before = latest;
  for (const [index, reading] of readings.entries()) {
    if (index === 0) continue;
    const isNew = reading > latest;
    // What the clock jumps over counts as this minute.
    const skipped = event.hours.length < 24 ? range(before + minute, reading) : [];
    const shows = event.wildcard || isNew ? [...skipped, reading] : [];
    if (shows.some((time) => matches(event, time))) found.push(from + index * minute);
    latest = Math.max(latest, reading);
    before = reading;
  }
  return found;
}

function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, (end - first) / minute) }, (_, index) => first + index * minute);
}
