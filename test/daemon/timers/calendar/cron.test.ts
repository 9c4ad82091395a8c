// Cron's expressions: what each field may be, Vixie cron's rules, and what mistakes say.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cronStringToCalendarEvent as cron } from "../../../../src/daemon/timers/calendar/cron.js";
import { mistake, untyped } from "../../definition/support.js";

describe("a field of a cron expression", () => {
  for (const [text, expected] of [
    ["5 0 * * *", [5]],
    ["1,3,2 0 * * *", [1, 2, 3]],
    ["10-13 0 * * *", [10, 11, 12, 13]],
    ["0-23/5 0 * * *", [0, 5, 10, 15, 20]],
    ["*/20 0 * * *", [0, 20, 40]],
    ["*/90 0 * * *", [0]],
    ["50-59/3,1 0 * * *", [1, 50, 53, 56, 59]],
    ["007-7 0 * * *", [7]],
  ] as const)
    it(`${text}: minutes`, () => assert.deepEqual(cron(text).minutes, expected));

  for (const [text, expected] of [
    ["0 0 * * 0", [0]],
    ["0 0 * * 7", [0]],
    ["0 0 * * sun", [0]],
    ["0 0 * * Sunday", [0]],
    ["0 0 * * MON-fri", [1, 2, 3, 4, 5]],
    ["0 0 * * sat-sun", [0, 6]],
    ["0 0 * * sun-tue", [0, 1, 2]],
    ["0 0 * * 5-7", [0, 5, 6]],
    ["0 0 * * 0-7/2", [0, 2, 4, 6]],
    ["0 0 * * mon,WED", [1, 3]],
  ] as const)
    it(`${text}: days of week`, () => assert.deepEqual(cron(text).daysOfWeek, expected));

  it("takes names of months", () => {
    assert.deepEqual(cron("0 0 1 jan-MAR,december *").months, [1, 2, 3, 12]);
  });

  it("is separated by any blanks", () => {
    assert.deepEqual(cron("  1\t2  3 4\t * ").hours, [2]);
  });
});

describe("Vixie cron's rule of the two kinds of days", () => {
  for (const [text, expected] of [
    ["0 0 13 * 5", true],
    ["0 0 1-31 * 5", true],
    ["0 0 * * 5", undefined],
    ["0 0 13 * *", undefined],
    ["0 0 */2 * 5", undefined],
    ["0 0 13 * */2", undefined],
  ] as const)
    it(`${text}: ${expected ? "either is enough" : "both must match"}`, () =>
      assert.equal(cron(text).eitherDay, expected));
});

describe("a wildcard", () => {
  for (const [text, expected] of [
    ["* 2 * * *", true],
    ["*/5 2 * * *", true],
    ["30 * * * *", true],
    ["30 */2 * * *", true],
    ["30 0-23 * * *", true],
    ["30 2 * * *", undefined],
    ["0,30 1,2,3 * * *", undefined],
  ] as const)
    it(`is ${expected ? "" : "not "}in ${text}`, () => assert.equal(cron(text).wildcard, expected));
});

describe("a name of cron's", () => {
  for (const [name, text] of [
    ["@yearly", "0 0 1 1 *"],
    ["@annually", "0 0 1 1 *"],
    ["@monthly", "0 0 1 * *"],
    ["@weekly", "0 0 * * 0"],
    ["@daily", "0 0 * * *"],
    ["@midnight", "0 0 * * *"],
    ["@hourly", "0 * * * *"],
  ] as const)
    it(`${name} is ${text}`, () => assert.deepEqual(cron(name), { ...cron(text), source: name }));
});

describe("a cron expression", () => {
  it("keeps its time zone and its text", () => {
    const { timeZone, source } = cron(" 0 0 * * * ", { timeZone: "America/New_York" });
    assert.deepEqual([timeZone, source], ["America/New_York", "0 0 * * *"]);
  });

  const five = "5 fields (minutes, hours, days of month, months, days of week) or one of";
  const names = "@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly";
  const number = (from: number, to: number) => `a star, a number from ${from} to ${to}`;
  for (const [text, message] of [
    ["60 * * * *", `field 1, minutes: expected ${number(0, 59)}, or a range of these, got "60"`],
    ["0 1,24 * * *", `field 2, hours: expected ${number(0, 23)}, or a range of these, got "24" in "1,24"`],
    ["0 0 0 * *", `field 3, days of month: expected ${number(1, 31)}, or a range of these, got "0"`],
    ["0 0 1 foo *", `field 4, months: expected ${number(1, 12)} or a name, or a range of these, got "foo"`],
    ["0 0 * * 8", `field 5, days of week: expected ${number(0, 7)} or a name, or a range of these, got "8"`],
    ["0 0 * * m", `field 5, days of week: expected ${number(0, 7)} or a name, or a range of these, got "m"`],
    ["jan 0 * * *", `field 1, minutes: expected ${number(0, 59)}, or a range of these, got "jan"`],
    ["1,, * * * *", `field 1, minutes: expected ${number(0, 59)}, or a range of these, got "" in "1,,"`],
    ["*-5 * * * *", `field 1, minutes: expected ${number(0, 59)}, or a range of these, got "*-5"`],
    ["? * * * *", `field 1, minutes: expected ${number(0, 59)}, or a range of these, got "?"`],
    ["0 0 L * *", `field 3, days of month: expected ${number(1, 31)}, or a range of these, got "L"`],
    ["-5 * * * *", `field 1, minutes: expected ${number(0, 59)}, or a range of these, got "-5"`],
    ["30-10 * * * *", 'field 1, minutes: expected a range from the lower to the higher, got "30-10"'],
    [
      "0 0 * * fri-mon",
      'field 5, days of week: expected a range from the lower to the higher, got "fri-mon"',
    ],
    ["*/0 * * * *", 'field 1, minutes: expected a step of at least 1, got "*/0"'],
    ["5/10 * * * *", 'field 1, minutes: expected a range before the step, as in "5-59/10", got "5/10"'],
    ["* * * *", `expected ${five} ${names}; got "* * * *"`],
    ["0 * * * * *", `expected ${five} ${names}; got "0 * * * * *"`],
    ["@never", `expected ${five} ${names}; got "@never"`],
    ["@toString", `expected ${five} ${names}; got "@toString"`],
    ["toString", `expected ${five} ${names}; got "toString"`],
    ["@reboot", "@reboot is no time that comes back: let the service be started instead"],
    ["0 0 31 2 *", "it would never happen: there is no date with such a day, weekday and month"],
    ["0 0 30-31 feb *", "it would never happen: there is no date with such a day, weekday and month"],
  ] as const)
    it(`${text}: ${message}`, () =>
      assert.equal(
        mistake(() => cron(text)),
        `cronStringToCalendarEvent(${JSON.stringify(text)}): ${message}`,
      ));

  for (const value of ["", " ", 5, undefined, "\0", `0 0 * * ${"1,".repeat(300)}1`])
    it(`is not ${String(value).slice(0, 12)}`, () =>
      assert.match(
        mistake(() => cron(untyped(value))),
        /^cronStringToCalendarEvent: expected a calendar expression of up to 500 characters, got /,
      ));

  it("takes a time zone and nothing else", () => {
    assert.equal(
      mistake(() => cron("0 0 * * *", untyped({ timezone: "UTC" }))),
      'cronStringToCalendarEvent: unknown field "timezone"; did you mean "timeZone"?',
    );
  });
});
