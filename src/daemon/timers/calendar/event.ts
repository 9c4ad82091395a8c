// What a calendar event is, and the builder `calendarEvent`, as "Timers" of the Shepherd manual has it. This and the parsers
// stay free of the library that knows time zones' changes: only who asks for an occurrence has to load it.

import {
  type Check,
  type Checks,
  check,
  checkFields,
  checkValue,
  fail,
  type Subject,
} from "../../definition/check.js";
import { isText, listOf } from "../../definition/fields.js";
import { frozenCopy } from "../../definition/freeze.js";
import { isPossible } from "./days.js";
import { weekdayNames } from "./names.js";

/**
 * Points in time that come back, by the clock on the wall: all whose second, minute, hour, day, weekday and month are
 * listed. Made by `calendarEvent`, `cronStringToCalendarEvent` or `onCalendar`; plain data, and frozen. Lists are sorted,
 * without repetition and never empty.
 *
 * Where the clock is set for summer or winter: a time of day that is skipped counts as the first instant after the gap, and
 * one that comes twice as its first instant, so that a daily event happens once a day. An event with `wildcard` happens
 * the second time too. One with all 24 hours has nothing to make up for after a gap: every five minutes stays every five
 * minutes.
 */
export interface CalendarEvent {
  readonly kind: "calendar";
  /** From 0 to 59. */
  readonly seconds: readonly number[];
  /** From 0 to 59. */
  readonly minutes: readonly number[];
  /** From 0 to 23. */
  readonly hours: readonly number[];
  /** From 1 to 31; from the end of the month, whose last day is -1, to -31. */
  readonly daysOfMonth: readonly number[];
  /** From 0, which is Sunday, to 6. */
  readonly daysOfWeek: readonly number[];
  /** From 1 to 12. */
  readonly months: readonly number[];
  /** From 1970 to 2199; default: every year, without an end. */
  readonly years?: readonly number[];
  /** Vixie cron's rule for a day of the month and a weekday: one of the two is enough. Default: both must match. */
  readonly eitherDay?: true;
  /** Its minutes or hours were given by a star, with or without a step, or an equivalent: Vixie cron's distinction. */
  readonly wildcard?: true;
  /** Such as `Europe/Paris`; default: the supervisor's own, from `TZ` or /etc/localtime. */
  readonly timeZone?: string;
  /** The expression that it was made from. */
  readonly source?: string;
}

export type Weekday = (typeof weekdayNames)[number];

/** The manual's keywords in camelCase, and a time zone. */
export interface CalendarEventOptions {
  /** From 0 to 59; default: 0 only. */
  readonly seconds?: readonly number[];
  /** From 0 to 59; default: all. */
  readonly minutes?: readonly number[];
  /** From 0 to 23; default: all. */
  readonly hours?: readonly number[];
  /** From 1 to 31, or from the end of the month: from -1, its last day, to -31; default: all. */
  readonly daysOfMonth?: readonly number[];
  /** Names, or numbers from 0, which is Sunday, to 6; default: all. */
  readonly daysOfWeek?: readonly (Weekday | number)[];
  /** From 1 to 12; default: all. */
  readonly months?: readonly number[];
  /** A name of the IANA data base, such as `Europe/Paris`; default: the supervisor's own, from `TZ` or /etc/localtime. */
  readonly timeZone?: string;
}

/** Of the expressions' parsers. */
export interface ExpressionOptions {
  /** A name of the IANA data base, such as `Europe/Paris`; default: the supervisor's own, from `TZ` or /etc/localtime. */
  readonly timeZone?: string;
}

/** The lowest and the highest number of each list. */
export const ranges = {
  seconds: [0, 59],
  minutes: [0, 59],
  hours: [0, 23],
  daysOfMonth: [1, 31],
  daysOfWeek: [0, 6],
  months: [1, 12],
  years: [1970, 2199],
} as const;

/** All numbers of a range. */
export function all([least, most]: readonly [number, number]): number[] {
  return Array.from({ length: most - least + 1 }, (_, index) => least + index);
}

const timeZone = check<string>('the name of a time zone, such as "Europe/Paris"', isTimeZone);

const checks: Checks<CalendarEventOptions> = {
  seconds: numbers(ranges.seconds),
  minutes: numbers(ranges.minutes),
  hours: numbers(ranges.hours),
  daysOfMonth: listOf<number>(
    "a list of at least one number from 1 to 31 or from -31 to -1",
    (item) => isWithin(ranges.daysOfMonth, item) || isWithin([-31, -1], item),
    1,
  ),
  daysOfWeek: listOf<Weekday | number>(
    'a list of at least one weekday, such as "monday", or number from 0 (Sunday) to 6',
    (item) => isWithin(ranges.daysOfWeek, item) || weekdayNames.includes(item as Weekday),
    1,
  ),
  months: numbers(ranges.months),
  timeZone,
};

/**
 * An event at all times that match every list, as `calendar-event` of the manual ("Timers").
 *
 * @throws DefinitionError where a value is out of range, the time zone unknown, or there is no such date
 */
export function calendarEvent(options: CalendarEventOptions = {}): CalendarEvent {
  const of = { what: "calendarEvent" };
  const given = checkFields<CalendarEventOptions>(of, options, checks);
  return makeEvent(of, {
    seconds: given.seconds ?? [0],
    minutes: given.minutes ?? all(ranges.minutes),
    hours: given.hours ?? all(ranges.hours),
    daysOfMonth: given.daysOfMonth ?? all(ranges.daysOfMonth),
    daysOfWeek: (given.daysOfWeek ?? all(ranges.daysOfWeek)).map((day) =>
      typeof day === "number" ? day : weekdayNames.indexOf(day),
    ),
    months: given.months ?? all(ranges.months),
    ...(given.timeZone === undefined ? {} : { timeZone: given.timeZone }),
  });
}

const made = new WeakSet<object>();

/** One made here: what only looks like an event was never checked. */
export const calendarEventCheck = check<CalendarEvent>(
  "a calendar event, made by calendarEvent(…), cronStringToCalendarEvent(…) or onCalendar(…)",
  (value) => typeof value === "object" && value !== null && made.has(value),
);

/** Puts the lists in order, and fails where no date matches them. */
export function makeEvent(of: Subject, parts: Omit<CalendarEvent, "kind">): CalendarEvent {
  const minutes = inOrder(parts.minutes);
  const hours = inOrder(parts.hours);
  const event: CalendarEvent = frozenCopy({
    kind: "calendar",
    ...parts,
    seconds: inOrder(parts.seconds),
    minutes,
    hours,
    daysOfMonth: inOrder(parts.daysOfMonth),
    daysOfWeek: inOrder(parts.daysOfWeek),
    months: inOrder(parts.months),
    ...(parts.years === undefined ? {} : { years: inOrder(parts.years) }),
    ...(minutes.length === 60 || hours.length === 24 ? { wildcard: true } : {}),
  });
  if (!isPossible(event))
    fail(of, `it would never happen: there is no date with such a day, weekday and month`);
  made.add(event);
  return event;
}

const longestExpression = 500;

const expression = check<string>(
  `a calendar expression of up to ${longestExpression} characters`,
  (value) => isText(value) && value.trim() !== "" && value.length <= longestExpression,
);

/** What a parser may be given beside its expression. */
export const expressionChecks: Checks<ExpressionOptions> = { timeZone };

/** An expression without the blanks around it. It is kept with the event, in a note: it has to be short. */
export function checkExpression(of: Subject, text: string): string {
  return checkValue(of, text, expression).trim();
}

/** Whether the platform knows a time zone by that name; offsets like +01:00 are no names. */
export function isTimeZone(name: unknown): name is string {
  if (typeof name !== "string" || !/^[A-Za-z][\w+/-]*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function numbers(range: readonly [number, number]): Check<readonly number[]> {
  return listOf<number>(
    `a list of at least one number from ${range[0]} to ${range[1]}`,
    (item) => isWithin(range, item),
    1,
  );
}

function isWithin([least, most]: readonly [number, number], value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function inOrder(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
