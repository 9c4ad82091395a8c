// Which generations a user means: `3`, `1,4`, `2..5`, `..5`, `7..`, or an age such as `10d`.

import { UsageError } from "../cli/gnu-options.js";
import type { Generation } from "./generations.js";

/** As in Guix, a month has thirty days. */
const days: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30 };
const millisecondsPerDay = 86_400_000;

/** Those of `generations` that are meant. Throws UsageError for what is no pattern, and for numbers that nobody has. */
export function matchingGenerations(
  pattern: string,
  generations: readonly Generation[],
  now: number,
): readonly Generation[] {
  const [, count, unit] = /^(\d{1,6})([dwm])$/.exec(pattern) ?? [];
  if (count !== undefined && unit !== undefined) {
    const oldest = now - Number(count) * (days[unit] ?? 1) * millisecondsPerDay;
    return generations.filter(({ made }) => made < oldest);
  }
  const wanted = new Set(pattern.split(",").flatMap((part) => numbersOf(part, pattern, generations)));
  return generations.filter(({ number }) => wanted.has(number));
}

function numbersOf(part: string, pattern: string, generations: readonly Generation[]): readonly number[] {
  if (/^[1-9]\d{0,9}$/.test(part)) return [existing(part, generations)];
  const [, first, last] = /^(\d{0,10})\.\.(\d{0,10})$/.exec(part) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === ""))
    throw new UsageError(
      `expected numbers of generations such as 3, 1,4, 2..5, ..5 or 7.., or an age such as 10d, 2w or 1m; got '${pattern}'`,
    );
  const least = first === "" ? 0 : Number(first);
  const most = last === "" ? Number.POSITIVE_INFINITY : Number(last);
  return generations.map(({ number }) => number).filter((number) => number >= least && number <= most);
}

/** The number that `text` gives, if there is such a generation. Throws UsageError. */
export function existing(text: string, generations: readonly Generation[]): number {
  const number = Number(text);
  if (/^[1-9]\d{0,9}$/.test(text) && generations.some((one) => one.number === number)) return number;
  const known = generations.map((one) => one.number).join(", ");
  throw new UsageError(`there is no generation ${text}; there ${known === "" ? "is none" : `are ${known}`}`);
}
