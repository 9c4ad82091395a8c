// Random events and expressions: the quick search finds what the rules give minute by minute, and what croner finds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cronStringToCalendarEvent } from "../../../../src/daemon/timers/calendar/cron.js";
import { type CalendarEvent, calendarEvent } from "../../../../src/daemon/timers/calendar/event.js";
import { nextOccurrence, occurrences } from "../../../../src/daemon/timers/calendar/occurrences.js";
import { clockOf, happenings } from "./model.js";
import { cronerOccurrences } from "./oracles.js";

const day = 86_400_000;

/** From 0 to below `limit`, the same in every run (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % limit;
  };
}

type Random = ReturnType<typeof generator>;

/** Everything, or a few of the numbers. */
function some(random: Random, least: number, most: number): number[] | undefined {
  if (random(3) === 0) return undefined;
  return Array.from({ length: 1 + random(6) }, () => least + random(most - least + 1));
}

/** One that happens often, so that a window of days sees it. */
function randomEvent(random: Random, timeZone: string): CalendarEvent {
  const lists = {
    minutes: some(random, 0, 59),
    hours: some(random, 0, 23),
    daysOfMonth: random(4) === 0 ? some(random, -31, -1) : some(random, 1, 31),
    daysOfWeek: some(random, 0, 6),
  };
  const options = Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
  const event = calendarEvent({ ...options, timeZone });
  return random(3) === 0 ? { ...event, eitherDay: true } : event;
}

/** A time within each window; days of 1 to 25 hours, whole days that are skipped, changes by half an hour or at midnight. */
const windows: readonly (readonly [zone: string, middle: string])[] = [
  ["UTC", "2028-02-29T00:00Z"],
  ["Europe/Paris", "2026-03-29T01:00Z"],
  ["Europe/Paris", "2026-10-25T01:00Z"],
  ["America/New_York", "2027-03-14T07:00Z"],
  ["America/New_York", "2027-11-07T06:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Pacific/Kwajalein", "1993-08-21T12:00Z"],
  ["Africa/Cairo", "2026-04-23T22:00Z"],
  ["Africa/Cairo", "2026-10-29T21:00Z"],
  ["Asia/Beirut", "2026-03-28T22:00Z"],
  ["America/Sao_Paulo", "2018-11-04T03:00Z"],
  ["Africa/Casablanca", "2026-02-15T02:00Z"],
  ["Antarctica/Troll", "2026-03-29T01:00Z"],
  ["America/St_Johns", "2006-10-29T02:31Z"],
  ["Asia/Pyongyang", "2018-05-04T15:00Z"],
  ["Europe/Volgograd", "2020-12-26T23:00Z"],
];

describe("random events", () => {
  for (const [index, [zone, middle]] of windows.entries())
    it(`happen around ${middle} in ${zone} as the rules say`, () => {
      const random = generator(index);
      const from = Date.parse(middle) - 2 * day;
      const clock = clockOf(zone, from, 4 * 24 * 60);
      const end = from + clock.readings.length * 60_000;
      for (let count = 0; count < 20; count += 1) {
        const event = randomEvent(random, zone);
        const expected = happenings(event, clock);
        const checked = sample(random, [from, ...expected]);
        for (const [after, next] of checked) {
          const found = nextOccurrence(event, after);
          if (next !== undefined) assert.equal(found, next, explain(event, after, found, next));
          else assert.ok((found ?? end) >= end, explain(event, after, found, next));
        }
      }
    });
});

/** Some times, each with the next; all of them where they are few. */
function sample(random: Random, times: readonly number[]): (readonly [number, number | undefined])[] {
  const pairs = times.map((time, index) => [time, times[index + 1]] as const);
  return pairs.length <= 20 ? pairs : Array.from({ length: 20 }, () => pairs[random(pairs.length)] ?? [0, 0]);
}

function explain(event: CalendarEvent, ...times: readonly (number | undefined)[]): string {
  const dates = times.map((time) => (time === undefined ? "none" : new Date(time).toISOString()));
  return `${JSON.stringify(event)}: after, found, expected: ${dates.join(", ")}`;
}

describe("random cron expressions", () => {
  it("happen in UTC as croner says", () => {
    const random = generator(42);
    const bounds = [
      [0, 59],
      [0, 23],
      [1, 31],
      [1, 12],
      [0, 7],
    ] as const;
    for (let compared = 0; compared < 400; ) {
      const fields = bounds.map(([least, most]) => randomField(random, least, most));
      // To croner a star with a step is a restriction, to Vixie cron it is none.
      if (fields[2]?.startsWith("*/") || fields[4]?.startsWith("*/")) continue;
      const text = fields.join(" ");
      const base = Date.UTC(
        1995 + random(60),
        random(12),
        1 + random(28),
        random(24),
        random(60),
        random(60),
      );
      const event = cronStringToCalendarEvent(text, { timeZone: "UTC" });
      const theirs = cronerOccurrences(text, base, "UTC", 3);
      assert.deepEqual(occurrences(event, base, 3), theirs, `${text} after ${new Date(base).toISOString()}`);
      compared += 1;
    }
  });
});

function randomField(random: Random, least: number, most: number): string {
  const value = () => least + random(most - least + 1);
  const range = () => {
    const ends = [value(), value()].sort((a, b) => a - b);
    return ends.join("-");
  };
  switch (random(6)) {
    case 0:
      return `*/${1 + random(6)}`;
    case 1:
      return range();
    case 2:
      return `${least}-${most}/${1 + random(6)}`;
    case 3:
      return `${value()},${range()}`;
    case 4:
      return String(value());
    default:
      return "*";
  }
}
