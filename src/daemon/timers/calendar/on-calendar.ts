// systemd's calendar expressions, as systemd.time(7) has them: `onCalendar`.

import { checkFields, fail, type Subject, show } from "../../definition/check.js";
import {
  all,
  type CalendarEvent,
  checkExpression,
  type ExpressionOptions,
  expressionChecks,
  isTimeZone,
  makeEvent,
  ranges,
} from "./event.js";
import { means, weekdayNames } from "./names.js";

/** In what they stand for; some have two names. */
const shorthands: Readonly<Record<string, string>> = {
  minutely: "*-*-* *:*:00",
  hourly: "*-*-* *:00:00",
  daily: "*-*-* 00:00:00",
  weekly: "Mon *-*-* 00:00:00",
  monthly: "*-*-01 00:00:00",
  quarterly: "*-01,04,07,10-01 00:00:00",
  semiannually: "*-01,07-01 00:00:00",
  "semi-annually": "*-01,07-01 00:00:00",
  biannually: "*-01,07-01 00:00:00",
  "bi-annually": "*-01,07-01 00:00:00",
  yearly: "*-01-01 00:00:00",
  annually: "*-01-01 00:00:00",
};

/**
 * The event that an expression of systemd.time(7), "Calendar Events", describes: weekdays, date and time of day, of which
 * any can be left out, and a time zone (`Mon..Fri *-*-* 09..17:00/15`, `*-*~1`, `weekly UTC`). Fractions of a second are
 * refused.
 *
 * @throws DefinitionError where it is not such an expression, the time zone unknown, or there is no such date
 */
export function onCalendar(text: string, options: ExpressionOptions = {}): CalendarEvent {
  const given = checkFields({ what: "onCalendar" }, options, expressionChecks);
  const source = checkExpression({ what: "onCalendar" }, text);
  const of = { what: `onCalendar(${show(source)})` };
  const { words, zone } = splitZone(of, source.split(/[ \t]+/), given.timeZone);
  const [only = ""] = words;
  const expansion = words.length === 1 ? shorthandOf(only) : undefined;
  const { weekdays, date, time } = assign(of, expansion?.split(" ") ?? words);
  const daysOfWeek = weekdays === undefined ? all(ranges.daysOfWeek) : parseWeekdays(of, weekdays);
  const { wildcard, ...times } = parseTime(of, time ?? "00:00:00");
  return makeEvent(of, {
    ...times,
    ...parseDate(of, date ?? "*-*-*"),
    daysOfWeek,
    ...(wildcard ? { wildcard: true } : {}),
    ...(zone === undefined ? {} : { timeZone: zone }),
    source,
  });
}

/** The time zone is the last of several words, and only it and weekdays begin with a letter. */
function splitZone(of: Subject, words: readonly string[], option: string | undefined) {
  const last = words.at(-1) ?? "";
  if (words.length < 2 || !/^[A-Za-z]/.test(last)) return { words, zone: option };
  if (!isTimeZone(last)) fail(of, `expected "UTC" or the name of a time zone at the end, got ${show(last)}`);
  if (option !== undefined)
    fail(of, `it has a time zone, ${show(last)}: leave out field "timeZone", ${show(option)}`);
  return { words: words.slice(0, -1), zone: last.toUpperCase() === "UTC" ? "UTC" : last };
}

function shorthandOf(word: string): string | undefined {
  const name = word.toLowerCase();
  return Object.hasOwn(shorthands, name) ? shorthands[name] : undefined;
}

interface Parts {
  readonly weekdays: string | undefined;
  readonly date: string | undefined;
  readonly time: string | undefined;
}

/** Which word is which. */
function assign(of: Subject, words: readonly string[]): Parts {
  const rest = [...words];
  const take = (pattern: RegExp) => (pattern.test(rest[0] ?? "") ? rest.shift() : undefined);
  const parts: Parts = { weekdays: take(/^[A-Za-z]/), date: take(/^[^:]*[-~][^:]*$/), time: take(/:/) };
  if (rest.length > 0) {
    const expected = 'weekdays ("Mon,Fri"), a date ("*-*-01") and a time of day ("06:30"), or one of';
    fail(of, `expected ${expected} ${Object.keys(shorthands).join(", ")}; got ${show(rest.join(" "))}`);
  }
  return parts;
}

/** systemd's week ends with Sunday: no range goes beyond. */
function parseWeekdays(of: Subject, text: string): number[] {
  // A comma may stand between the weekdays and what comes next.
  const items = text.replace(/,$/, "").split(",");
  return items.flatMap((item) => {
    const [first = -1, last = first, ...more] = item.split(/\.\.|-/).map(weekdayFromMonday);
    if (first < 0 || last < first || more.length > 0)
      fail(of, `weekdays: expected a name such as "Mon" or a range such as "Mon..Sun", got ${show(item)}`);
    return all([first, last]).map((day) => (day + 1) % 7);
  });
}

function weekdayFromMonday(name: string): number {
  const index = weekdayNames.findIndex(means(name));
  return index < 0 ? index : (index + 6) % 7;
}

function parseDate(of: Subject, text: string): Pick<CalendarEvent, "daysOfMonth" | "months" | "years"> {
  const [, head = "", separator, day = ""] = /^([^~]*)([-~])([^-~]*)$/.exec(text) ?? [];
  const [month = "", year = "*", ...more] = head.split("-").reverse();
  if (separator === undefined || more.length > 0)
    fail(of, `date: expected YEAR-MONTH-DAY, MONTH-DAY or these with "~" before the day, got ${show(text)}`);
  const fromEnd = separator === "~";
  const days = parseComponent(of, { name: "day", range: ranges.daysOfMonth, fromEnd }, day);
  const years = parseComponent(of, { name: "year", range: ranges.years, convert: fullYear }, year);
  return {
    daysOfMonth: fromEnd ? days.values.map((value) => -value) : days.values,
    months: parseComponent(of, { name: "month", range: ranges.months }, month).values,
    ...(years.star ? {} : { years: years.values }),
  };
}

/** Two digits are a year from 1970 to 2069. */
function fullYear(year: number): number {
  if (year >= 100) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

type Times = Pick<CalendarEvent, "hours" | "minutes" | "seconds"> & { readonly wildcard: boolean };

function parseTime(of: Subject, text: string): Times {
  const [hour = "", minute = "", second = "00", ...more] = text.split(":");
  if (more.length > 0) fail(of, `time: expected HOUR:MINUTE or HOUR:MINUTE:SECOND, got ${show(text)}`);
  if (/\d\.\d/.test(second)) fail(of, `second: expected no fraction of a second, got ${show(second)}`);
  const hours = parseComponent(of, { name: "hour", range: ranges.hours }, hour);
  const minutes = parseComponent(of, { name: "minute", range: ranges.minutes }, minute);
  return {
    hours: hours.values,
    minutes: minutes.values,
    seconds: parseComponent(of, { name: "second", range: ranges.seconds }, second).values,
    wildcard: hours.wildcard || minutes.wildcard,
  };
}

interface Component {
  readonly name: string;
  readonly range: readonly [number, number];
  /** A repetition goes down to the first of the range, which is the end of the month. */
  readonly fromEnd?: boolean;
  readonly convert?: (value: number) => number;
}

interface Parsed {
  readonly values: number[];
  readonly star: boolean;
  /** A star, or a repetition without an end of its own. */
  readonly wildcard: boolean;
}

function parseComponent(of: Subject, component: Component, text: string): Parsed {
  const { name, range } = component;
  if (text === "*") return { values: all(range), star: true, wildcard: true };
  const items = text.split(",").map((item) => {
    const found = parseItem(component, item);
    if (found !== undefined) return found;
    const [least, most] = range;
    const expected = `"*", numbers from ${least} to ${most}, or ranges of these such as "${least}..${most}"`;
    const got = item === text ? show(item) : `${show(item)} in ${show(text)}`;
    return fail(
      of,
      `${name}: expected ${expected}, "/" and a repetition within the range after each; got ${got}`,
    );
  });
  return {
    values: items.flatMap(({ values }) => values),
    star: false,
    wildcard: items.some(({ open }) => open),
  };
}

/** The numbers of `FROM`, `FROM..TO`, `FROM/STEP` or `FROM..TO/STEP`; undefined if it is none or leaves the range. */
function parseItem(
  { range: [least, most], fromEnd = false, convert = (value) => value }: Component,
  item: string,
): { readonly values: number[]; readonly open: boolean } | undefined {
  const digits = /^(\d{1,9})(?:\.\.(\d{1,9}))?(?:\/(\d{1,9}))?$/.exec(item);
  if (digits === null) return undefined;
  const from = convert(Number(digits[1]));
  const to = digits[2] === undefined ? undefined : convert(Number(digits[2]));
  const step = digits[3] === undefined ? undefined : Number(digits[3]);
  if (from < least || from > most || step === 0) return undefined;
  if (to !== undefined)
    return to < from || to > most ? undefined : { values: sequence(from, to, step ?? 1), open: false };
  if (step === undefined) return { values: [from], open: false };
  const values = sequence(from, fromEnd ? least : most, step);
  // One that repeats nothing is a mistake.
  return values.length > 1 ? { values, open: true } : undefined;
}

/** From `first` towards `last`, up or down. */
function sequence(first: number, last: number, step: number): number[] {
  const direction = Math.sign(last - first);
  const length = Math.floor(Math.abs(last - first) / step) + 1;
  return Array.from({ length }, (_, index) => first + direction * index * step);
}
