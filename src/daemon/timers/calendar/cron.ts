// Cron's expressions, as crontab(5) of Vixie cron has them: `cronStringToCalendarEvent`.

import { checkFields, fail, type Subject, show } from "../../definition/check.js";
import {
  type CalendarEvent,
  checkExpression,
  type ExpressionOptions,
  expressionChecks,
  makeEvent,
  ranges,
} from "./event.js";
import { means, monthNames, weekdayNames } from "./names.js";

interface Field {
  readonly name: string;
  readonly range: readonly [number, number];
  /** Of the numbers from the range's first. */
  readonly names?: readonly string[];
}

const fields = {
  minutes: { name: "minutes", range: ranges.minutes },
  hours: { name: "hours", range: ranges.hours },
  daysOfMonth: { name: "days of month", range: ranges.daysOfMonth },
  months: { name: "months", range: ranges.months, names: monthNames },
  // 7 is Sunday too.
  daysOfWeek: { name: "days of week", range: [0, 7], names: [...weekdayNames, "sunday"] },
} as const satisfies Record<string, Field>;

const shorthands: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/**
 * The event that five fields of crontab(5) describe: minutes, hours, days of month, months, days of week, each a star, a
 * number, a name, a range, one of these with a step (`0-23/5`), or a list; or `@hourly`, `@daily` and the like. Where both
 * days of month and days of week begin without a star, one of the two is enough, as in Vixie cron and unlike GNU Shepherd,
 * where both must match.
 *
 * @throws DefinitionError where it is not such an expression, the time zone unknown, or there is no such date
 */
export function cronStringToCalendarEvent(text: string, options: ExpressionOptions = {}): CalendarEvent {
  const { timeZone } = checkFields({ what: "cronStringToCalendarEvent" }, options, expressionChecks);
  const source = checkExpression({ what: "cronStringToCalendarEvent" }, text);
  const of = { what: `cronStringToCalendarEvent(${show(source)})` };
  const [minutes = "", hours = "", daysOfMonth = "", months = "", daysOfWeek = ""] = split(of, source);
  return makeEvent(of, {
    seconds: [0],
    minutes: parseField(of, 1, fields.minutes, minutes),
    hours: parseField(of, 2, fields.hours, hours),
    daysOfMonth: parseField(of, 3, fields.daysOfMonth, daysOfMonth),
    months: parseField(of, 4, fields.months, months),
    daysOfWeek: parseField(of, 5, fields.daysOfWeek, daysOfWeek).map((day) => day % 7),
    ...(isStar(daysOfMonth) || isStar(daysOfWeek) ? {} : { eitherDay: true }),
    ...(isStar(minutes) || isStar(hours) ? { wildcard: true } : {}),
    ...(timeZone === undefined ? {} : { timeZone }),
    source,
  });
}

function split(of: Subject, source: string): readonly string[] {
  if (source === "@reboot")
    fail(of, "@reboot is no time that comes back: let the service be started instead");
  const expression = Object.hasOwn(shorthands, source) ? shorthands[source] : source;
  const parts = expression?.split(/[ \t]+/) ?? [];
  if (parts.length === 5) return parts;
  const expected = "5 fields (minutes, hours, days of month, months, days of week) or one of";
  return fail(of, `expected ${expected} ${Object.keys(shorthands).join(", ")}; got ${show(source)}`);
}

/** How Vixie cron tells what is restricted: by the first character, so that a stepped star counts as one. */
function isStar(text: string): boolean {
  return text.startsWith("*");
}

function parseField(of: Subject, position: number, field: Field, text: string): number[] {
  return text.split(",").flatMap((item) => {
    const wrong = (expected: string): never =>
      fail(
        of,
        `field ${position}, ${field.name}: expected ${expected}, got ${show(item)}${item === text ? "" : ` in ${show(text)}`}`,
      );
    return parseItem(field, item, wrong);
  });
}

/** A star, FROM or FROM-TO; the first and the last of these perhaps with a step. */
function parseItem(field: Field, item: string, wrong: (expected: string) => never): number[] {
  const { names, range } = field;
  const [, star, start = "", end, stepText] = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,9}))?$/.exec(item) ?? [];
  const [first, last] = star === undefined ? endsOf(field, start, end) : range;
  if (first === undefined || last === undefined) {
    const value = `a number from ${range[0]} to ${range[1]}${names === undefined ? "" : " or a name"}`;
    return wrong(`a star, ${value}, or a range of these`);
  }
  if (first > last) wrong("a range from the lower to the higher");
  if (stepText !== undefined && first === last)
    wrong(`a range before the step, as in "${start}-${range[1]}/${stepText}"`);
  const step = Number(stepText ?? 1);
  if (step === 0) wrong("a step of at least 1");
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

function endsOf(field: Field, start: string, end = start): readonly (number | undefined)[] {
  const first = numberOf(field, start, field.names?.findIndex(means(start)));
  if (end === start) return [first, first];
  // From the end, since a range may end with Sunday.
  return [first, numberOf(field, end, field.names?.findLastIndex(means(end)))];
}

/** The number that a text is, or that of the name at `index`. */
function numberOf({ range: [least, most] }: Field, text: string, index = -1): number | undefined {
  const value = index >= 0 ? least + index : /^\d{1,4}$/.test(text) ? Number(text) : -1;
  return value >= least && value <= most ? value : undefined;
}
