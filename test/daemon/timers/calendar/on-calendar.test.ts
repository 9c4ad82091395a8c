// systemd's calendar expressions: what each part may be, and what mistakes say. What they mean is compared with systemd
// itself in agreement.test.ts.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CalendarEvent } from "../../../../src/daemon/timers/calendar/event.js";
import { onCalendar } from "../../../../src/daemon/timers/calendar/on-calendar.js";
import { mistake, untyped } from "../../definition/support.js";

describe("onCalendar", () => {
  for (const [text, expected] of [
    ["Mon..Wed,Fri", { daysOfWeek: [1, 2, 3, 5], hours: [0], minutes: [0], seconds: [0] }],
    ["sat..SUNDAY 5:6:7", { daysOfWeek: [0, 6], hours: [5], minutes: [6], seconds: [7] }],
    ["12-10-15 1:2:3", { years: [2012], months: [10], daysOfMonth: [15] }],
    ["69..71-1-1", undefined],
    ["2030/50-1-1", { years: [2030, 2080, 2130, 2180] }],
    ["*-1/2-1,3", { months: [1, 3, 5, 7, 9, 11], daysOfMonth: [1, 3] }],
    ["*-02~03", { months: [2], daysOfMonth: [-3] }],
    ["*-05~07/1", { daysOfMonth: [-7, -6, -5, -4, -3, -2, -1] }],
    ["*-*~01..03", { daysOfMonth: [-3, -2, -1] }],
    ["9..17/2:00", { hours: [9, 11, 13, 15, 17] }],
    ["*:5..20/5,59", { minutes: [5, 10, 15, 20, 59] }],
    ["*:*:0/30", { seconds: [0, 30] }],
    ["quarterly", { months: [1, 4, 7, 10], daysOfMonth: [1] }],
    ["Wed, 17:48", { daysOfWeek: [3], hours: [17], minutes: [48] }],
    ["weekly Pacific/Auckland", { daysOfWeek: [1], timeZone: "Pacific/Auckland" }],
    ["Mon utc", { daysOfWeek: [1], timeZone: "UTC" }],
    ["  *-*-*   6:00  ", { source: "*-*-*   6:00" }],
    ["2:00", { wildcard: undefined }],
    ["2,3:00,30", { wildcard: undefined }],
    ["2..4/2:00..30/30", { wildcard: undefined }],
    ["*:30", { wildcard: true }],
    ["2:*", { wildcard: true }],
    ["2:0/15", { wildcard: true }],
    ["0/2:30", { wildcard: true }],
  ] as const)
    it(text, () => {
      if (expected === undefined) return assert.throws(() => onCalendar(text));
      const event = onCalendar(text);
      for (const [field, value] of Object.entries(expected))
        assert.deepEqual(event[field as keyof CalendarEvent], value, field);
    });

  it("takes a time zone beside an expression that has none", () => {
    assert.equal(onCalendar("daily", { timeZone: "Europe/Paris" }).timeZone, "Europe/Paris");
  });

  it("refuses a second time zone", () => {
    assert.equal(
      mistake(() => onCalendar("daily UTC", { timeZone: "Europe/Paris" })),
      'onCalendar("daily UTC"): it has a time zone, "UTC": leave out field "timeZone", "Europe/Paris"',
    );
  });

  const parts =
    'expected weekdays ("Mon,Fri"), a date ("*-*-01") and a time of day ("06:30"), or one of minutely, hourly, daily, ' +
    "weekly, monthly, quarterly, semiannually, semi-annually, biannually, bi-annually, yearly, annually";
  const component = (name: string, from: number, to: number) =>
    `${name}: expected "*", numbers from ${from} to ${to}, or ranges of these such as "${from}..${to}", "/" and a ` +
    "repetition within the range after each";
  const weekdays = 'weekdays: expected a name such as "Mon" or a range such as "Mon..Sun"';
  const never = "it would never happen: there is no date with such a day, weekday and month";
  for (const [text, message] of [
    ["5", `${parts}; got "5"`],
    ["*", `${parts}; got "*"`],
    ["Mon, Tue 5:00", `${parts}; got "Tue 5:00"`],
    ["5:00 *-*-*", `${parts}; got "*-*-*"`],
    ["@1700000000", `${parts}; got "@1700000000"`],
    ["UTC", `${weekdays}, got "UTC"`],
    ["thurs", `${weekdays}, got "thurs"`],
    ["Fri..Mon", `${weekdays}, got "Fri..Mon"`],
    ["Mon..", `${weekdays}, got "Mon.."`],
    ["Mon,,Tue", `${weekdays}, got ""`],
    ["24:00", `${component("hour", 0, 23)}; got "24"`],
    ["*:5,61", `${component("minute", 0, 59)}; got "61" in "5,61"`],
    ["*:*:60", `${component("second", 0, 59)}; got "60"`],
    ["*/2:00", `${component("hour", 0, 23)}; got "*/2"`],
    ["5,*:00", `${component("hour", 0, 23)}; got "*" in "5,*"`],
    ["22..2:00", `${component("hour", 0, 23)}; got "22..2"`],
    ["0/30:00", `${component("hour", 0, 23)}; got "0/30"`],
    ["0/0:00", `${component("hour", 0, 23)}; got "0/0"`],
    [":30", `${component("hour", 0, 23)}; got ""`],
    ["*-13-1", `${component("month", 1, 12)}; got "13"`],
    ["*-*-0", `${component("day", 1, 31)}; got "0"`],
    ["*-*~1/2", `${component("day", 1, 31)}; got "1/2"`],
    ["2200-1-1", `${component("year", 1970, 2199)}; got "2200"`],
    ["100-1-1", `${component("year", 1970, 2199)}; got "100"`],
    ["1-2-3-4", 'date: expected YEAR-MONTH-DAY, MONTH-DAY or these with "~" before the day, got "1-2-3-4"'],
    ["*~*~1", 'date: expected YEAR-MONTH-DAY, MONTH-DAY or these with "~" before the day, got "*~*~1"'],
    ["1:2:3:4", 'time: expected HOUR:MINUTE or HOUR:MINUTE:SECOND, got "1:2:3:4"'],
    ["5:00:00.5", 'second: expected no fraction of a second, got "00.5"'],
    ["*:*:0/0.5", 'second: expected no fraction of a second, got "0/0.5"'],
    ["daily Nowhere", 'expected "UTC" or the name of a time zone at the end, got "Nowhere"'],
    ["*-02-30", never],
    ["*-02~30", never],
    ["Mon 2024-02-29", never],
    ["2023-02-29", never],
  ] as const)
    it(`${text}: ${message}`, () =>
      assert.equal(
        mistake(() => onCalendar(text)),
        `onCalendar(${JSON.stringify(text)}): ${message}`,
      ));

  for (const value of ["", 5, undefined, "*".repeat(501)])
    it(`refuses ${String(value).slice(0, 12)}`, () =>
      assert.match(
        mistake(() => onCalendar(untyped(value))),
        /^onCalendar: expected a calendar expression of up to 500 characters, got /,
      ));
});
