// The times that --since and --until take. Pure: what is relative is so to a given instant, in the process's time zone.

const SECOND = 1;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const units: readonly (readonly [names: RegExp, seconds: number])[] = [
  [/^(?:s|secs?|seconds?)$/i, SECOND],
  [/^(?:m|mins?|minutes?)$/i, MINUTE],
  [/^(?:h|hrs?|hours?)$/i, HOUR],
  [/^(?:d|days?)$/i, DAY],
  [/^(?:w|weeks?)$/i, 7 * DAY],
];

const dayPattern = "(\\d{4})-(\\d{1,2})-(\\d{1,2})|(today|yesterday)";
const clockPattern = "(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:\\.\\d+)?)?";
const zonePattern = "(Z|[+-]\\d{2}:?\\d{2})";
const absolute = new RegExp(`^(?:${dayPattern})(?:(?:T|\\s+)${clockPattern}\\s*${zonePattern}?)?$`, "i");
const clockOnly = new RegExp(`^${clockPattern}$`);
const part = /\s*(\d+(?:\.\d+)?)\s*([a-z]+)/iy;

/** What an error says that these accept. */
export const acceptedMoments =
  'a time such as "2026-11-21", "2026-11-21 06:30", "2026-11-21T06:30:00Z", "06:30", "today", "yesterday 18:00", "-1h", "10min ago" or "@1795242600"';

/**
 * Seconds since the epoch; undefined for what is no such time.
 *
 * @param now seconds since the epoch
 */
export function parseMoment(given: string, now: number): number | undefined {
  const text = given.trim();
  const epoch = /^@(\d{1,13}(?:\.\d+)?)$/.exec(text);
  if (epoch !== null) return Number(epoch[1]);
  if (text.toLowerCase() === "now") return now;
  const ago = /^-\s*(\S.*)$/.exec(text)?.[1] ?? /^(.*\S)\s+ago$/i.exec(text)?.[1];
  if (ago !== undefined) return before(now, parseSpan(ago));
  const clock = clockOnly.exec(text);
  if (clock !== null) return local(midnight(now, 0), clockOf(clock));
  const match = absolute.exec(text);
  return match === null ? undefined : parseAbsolute(match, now);
}

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

type Clock = readonly [hours: number, minutes: number, seconds: number];

function parseAbsolute(match: RegExpExecArray, now: number): number | undefined {
  const [, year, month, day, word, hours, minutes, seconds, zone] = match;
  const clock = clockOf(["", hours, minutes, seconds]);
  const date =
    word === undefined
      ? { year: Number(year), month: Number(month), day: Number(day) }
      : midnight(now, word.toLowerCase() === "today" ? 0 : 1);
  return zone === undefined ? local(date, clock) : zoned(date, clock, zone);
}

function clockOf([, hours, minutes, seconds]: readonly (string | undefined)[]): Clock {
  return [Number(hours ?? 0), Number(minutes ?? 0), Number(seconds ?? 0)];
}

/** The local day, so many days before that of `now`. */
function midnight(now: number, daysBefore: number): Day {
  const date = new Date(now * 1000);
  date.setDate(date.getDate() - daysBefore);
  return { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() };
}

function local(date: Day, clock: Clock): number | undefined {
  if (!exists(date, clock)) return undefined;
  return new Date(date.year, date.month - 1, date.day, ...clock).getTime() / 1000;
}

function zoned(date: Day, clock: Clock, zone: string): number | undefined {
  if (!exists(date, clock)) return undefined;
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  const offset = (Number(hours) * HOUR + Number(minutes) * MINUTE) * (sign === "-" ? -1 : 1);
  return Date.UTC(date.year, date.month - 1, date.day, ...clock) / 1000 - offset;
}

/** Date would take February 30 for March 2. */
function exists({ year, month, day }: Day, [hours, minutes, seconds]: Clock): boolean {
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return (
    year >= 1970 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= days &&
    hours < 24 &&
    minutes < 60 &&
    seconds < 61
  );
}

function before(now: number, span: number | undefined): number | undefined {
  return span === undefined ? undefined : now - span;
}

/** `1h`, `1h30min`, `2 days 3 hours`, in seconds. */
function parseSpan(text: string): number | undefined {
  let total = 0;
  for (part.lastIndex = 0; part.lastIndex < text.length; ) {
    const [, number, unit = ""] = part.exec(text) ?? [];
    const seconds = units.find(([names]) => names.test(unit))?.[1];
    if (number === undefined || seconds === undefined) return undefined;
    total += Number(number) * seconds;
  }
  return total;
}
