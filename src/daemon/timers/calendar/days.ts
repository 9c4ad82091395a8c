// The days of the Gregorian calendar, which know no time zone: which of them an event names. A day is counted from
// 1970-01-01, which is 0.

import type { CalendarEvent } from "./event.js";

export const millisecondsPerDay = 86_400_000;

/** After so many years the calendar repeats, weekdays included: what did not happen by then never does. */
const cycle = 400;

type Dates = Pick<CalendarEvent, "daysOfMonth" | "daysOfWeek" | "months" | "years" | "eitherDay">;

/** Whether there is any such date. */
export function isPossible(event: Dates): boolean {
  return nextDay(event, dayOf(event.years?.[0] ?? 2000, 1, 1)) !== undefined;
}

/** The first day of the event that is not before `day`; undefined if there is none any more. */
export function nextDay(event: Dates, day: number): number | undefined {
  const from = new Date(day * millisecondsPerDay);
  const thisYear = from.getUTCFullYear();
  const thisMonth = from.getUTCMonth() + 1;
  for (const year of event.years ?? yearsFrom(thisYear)) {
    if (year < thisYear) continue;
    for (const month of event.months) {
      if (year === thisYear && month < thisMonth) continue;
      const isThisMonth = year === thisYear && month === thisMonth;
      const found = nextInMonth(event, year, month, isThisMonth ? from.getUTCDate() : 1);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function* yearsFrom(first: number): Generator<number> {
  for (let year = first; year <= first + cycle; year += 1) yield year;
}

function nextInMonth(event: Dates, year: number, month: number, from: number): number | undefined {
  const first = dayOf(year, month, 1);
  const length = dayOf(year, month + 1, 1) - first;
  for (let date = from; date <= length; date += 1) {
    const ofMonth = event.daysOfMonth.includes(date) || event.daysOfMonth.includes(date - length - 1);
    const ofWeek = event.daysOfWeek.includes(weekday(first + date - 1));
    if (event.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek) return first + date - 1;
  }
  return undefined;
}

function dayOf(year: number, month: number, date: number): number {
  return Date.UTC(year, month - 1, date) / millisecondsPerDay;
}

/** 0 is Sunday; 1970-01-01 was a Thursday. */
function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
