// When a timer goes off next: as the supervisor tells it; else, as with a GNU Shepherd, from its calendar event, in the
// client's own time zone.
import type { CalendarEvent, TimerValue } from "../../protocol/running-value.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { asNumbers } from "../../protocol/sexp.js";

/** 29 February on a given weekday comes back within 40 years, whatever century lies between. */
const HORIZON_DAYS = 40 * 366;

/** What a supervisor of ours tells, who knows its schedules and its time zone; undefined where none does. */
export function toldAlarms(service: ServiceStatus): readonly number[] | undefined {
  return asNumbers(service.extra.get("upcoming-alarms"));
}

export function computedAlarms({ event }: TimerValue, now: number, limit: number): readonly number[] {
  return event === undefined ? [] : upcomingAlarms(event, now, limit);
}

/** The first `limit` alarms after `now`, in seconds since the epoch; fewer where the date never comes. */
export function upcomingAlarms(event: CalendarEvent, now: number, limit: number): number[] {
  const alarms: number[] = [];
  const times = timesOfDay(event);
  const day = new Date(now * 1000);
  day.setHours(0, 0, 0, 0);
  for (let passed = 0; passed < HORIZON_DAYS && alarms.length < limit; passed += 1) {
    if (matchesDay(event, day)) alarms.push(...alarmsOfDay(day, times, now, limit - alarms.length));
    day.setDate(day.getDate() + 1);
  }
  return alarms;
}

function matchesDay(event: CalendarEvent, day: Date): boolean {
  return (
    event.months.includes(day.getMonth() + 1) &&
    event.daysOfMonth.includes(day.getDate()) &&
    event.daysOfWeek.includes(day.getDay())
  );
}

function alarmsOfDay(day: Date, times: Iterable<TimeOfDay>, after: number, limit: number): number[] {
  const alarms: number[] = [];
  for (const [hours, minutes, seconds] of times) {
    if (alarms.length >= limit) break;
    const date = new Date(day);
    date.setHours(hours, minutes, seconds, 0);
    // A time that daylight saving skips does not exist on this day.
    if (date.getHours() !== hours || date.getMinutes() !== minutes) continue;
    const alarm = date.getTime() / 1000;
    if (alarm > after) alarms.push(alarm);
  }
  return alarms;
}

type TimeOfDay = readonly [hours: number, minutes: number, seconds: number];

/** Every matching time of a day, in order: at most 86,400. */
function timesOfDay(event: CalendarEvent): Iterable<TimeOfDay> {
  const hours = within(event.hours, 24);
  const minutes = within(event.minutes, 60);
  const seconds = within(event.seconds, 60);
  return {
    *[Symbol.iterator]() {
      for (const hour of hours)
        for (const minute of minutes) for (const second of seconds) yield [hour, minute, second] as const;
    },
  };
}

/** Without repetition: a hostile daemon must not make the client count for ever. */
function within(values: readonly number[], limit: number): number[] {
  return Array.from({ length: limit }, (_, index) => index).filter((value) => values.includes(value));
}
