// Time spans, as systemd.time(7) has them: "5min 20s", "1.5h", "infinity".

import { blanks, stripStart } from "./text.js";

/** Nanoseconds of each unit. */
const second = 1_000_000_000n;
const minute = 60n * second;
const day = 24n * 60n * minute;
const year = 31_557_600n * second;

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  nsec: 1n,
  us: 1000n,
  usec: 1000n,
  µs: 1000n,
  // The Greek letter too, which looks the same.
  μs: 1000n,
  ms: 1_000_000n,
  msec: 1_000_000n,
  s: second,
  sec: second,
  second,
  seconds: second,
  m: minute,
  min: minute,
  minute,
  minutes: minute,
  h: 60n * minute,
  hr: 60n * minute,
  hour: 60n * minute,
  hours: 60n * minute,
  d: day,
  day,
  days: day,
  w: 7n * day,
  week: 7n * day,
  weeks: 7n * day,
  M: year / 12n,
  month: year / 12n,
  months: year / 12n,
  y: year,
  year,
  years: year,
};

/** The longest first, so that "min" is not taken for "m". */
const unitNames = Object.keys(units).sort((a, b) => b.length - a.length);

/** Characters of a time span; more are a mistake. */
const longest = 1000;

/** What the largest unsigned number of 64 bits stands for: infinity. */
const infinite = 2n ** 64n - 1n;

/** What is counted: systemd's spans are whole microseconds, but for a few that are whole nanoseconds. */
interface Resolution {
  /** Nanoseconds of the smallest span. */
  readonly grain: bigint;
  /** Nanoseconds of a number without a unit. */
  readonly bare: bigint;
}

const microseconds: Resolution = { grain: 1000n, bare: second };
const nanoseconds: Resolution = { grain: 1n, bare: 1n };

/** Seconds, down to a microsecond; a number without a unit is one of seconds. Undefined where the text is no time span. */
export function parseTimeSpan(text: string): number | undefined {
  const span = parse(text, microseconds);
  return span === undefined || span === "infinity" ? secondsOf(span) : Number(span) / 1e6;
}

/** Nanoseconds; a number without a unit is one of nanoseconds. */
export function parseNanoseconds(text: string): number | undefined {
  const span = parse(text, nanoseconds);
  return span === undefined || span === "infinity" ? secondsOf(span) : Number(span);
}

function secondsOf(span: "infinity" | undefined): number | undefined {
  return span === undefined ? undefined : Number.POSITIVE_INFINITY;
}

function parse(text: string, resolution: Resolution): bigint | "infinity" | undefined {
  if (text.length > longest) return undefined;
  let rest = stripStart(text);
  if (/^infinity[ \t\n\r]*$/.test(rest)) return "infinity";
  let sum = 0n;
  while (rest !== "") {
    const part = takePart(rest, resolution);
    if (part === undefined) return undefined;
    sum += part.value;
    if (sum >= infinite) return undefined;
    rest = stripStart(part.rest);
  }
  return text.trim() === "" ? undefined : sum;
}

/** One number with its unit, in whole grains. */
function takePart(
  text: string,
  { grain, bare }: Resolution,
): { readonly value: bigint; readonly rest: string } | undefined {
  const [all = "", whole = "", fraction] = /^\+?(\d*)(?:\.(\d+))?/.exec(text) ?? [];
  if (whole === "" && fraction === undefined) return undefined;
  if (whole.length > 20) return undefined;
  const after = text.slice(all.length);
  const spaced = stripStart(after);
  const unit = unitNames.find((name) => spaced.startsWith(name) && (units[name] ?? 0n) >= grain);
  // "12.34.56" and "5x" are mistakes, "12.34 .56" is two numbers.
  if (unit === undefined && after !== "" && !blanks.includes(after.charAt(0))) return undefined;
  const factor = (unit === undefined ? bare : (units[unit] ?? bare)) / grain;
  const value = BigInt(whole === "" ? "0" : whole) * factor + fractionOf(fraction ?? "", factor);
  return { value, rest: unit === undefined ? after : spaced.slice(unit.length) };
}

/** Digit by digit, each rounded down, as systemd does. */
function fractionOf(digits: string, factor: bigint): bigint {
  let sum = 0n;
  let value = factor / 10n;
  for (const digit of digits.slice(0, 25)) {
    sum += BigInt(digit) * value;
    value /= 10n;
  }
  return sum;
}
