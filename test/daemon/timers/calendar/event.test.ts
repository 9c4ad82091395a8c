// calendarEvent: the manual's defaults, what is checked, and what every event is.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cronStringToCalendarEvent } from "../../../../src/daemon/timers/calendar/cron.js";
import {
  calendarEvent,
  calendarEventCheck,
  isTimeZone,
} from "../../../../src/daemon/timers/calendar/event.js";
import { onCalendar } from "../../../../src/daemon/timers/calendar/on-calendar.js";
import { isFrozenThroughout, mistake, untyped } from "../../definition/support.js";

const upTo = (last: number, first = 0) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("calendarEvent", () => {
  it("has the manual's defaults: every minute", () => {
    assert.deepEqual(calendarEvent(), {
      kind: "calendar",
      seconds: [0],
      minutes: upTo(59),
      hours: upTo(23),
      daysOfMonth: upTo(31, 1),
      daysOfWeek: upTo(6),
      months: upTo(12, 1),
      wildcard: true,
    });
  });

  it("puts lists in order and takes names of weekdays", () => {
    const event = calendarEvent({
      seconds: [30, 0, 30],
      minutes: [5],
      hours: [23, 1],
      daysOfMonth: [-1, 15],
      daysOfWeek: ["friday", "monday", 0],
      months: [12, 2],
      timeZone: "Europe/Paris",
    });
    assert.deepEqual(event, {
      kind: "calendar",
      seconds: [0, 30],
      minutes: [5],
      hours: [1, 23],
      daysOfMonth: [-1, 15],
      daysOfWeek: [0, 1, 5],
      months: [2, 12],
      timeZone: "Europe/Paris",
    });
  });

  it("is frozen plain data, which survives as JSON", () => {
    for (const event of [
      calendarEvent(),
      cronStringToCalendarEvent("1 2 3 4 5"),
      onCalendar("2030-*~1 UTC"),
    ]) {
      assert.ok(isFrozenThroughout(event));
      assert.deepEqual(JSON.parse(JSON.stringify(event)), event);
    }
  });

  it("does not take the user's lists, which may change", () => {
    const hours = [1];
    const event = calendarEvent({ hours });
    hours.push(2);
    assert.deepEqual(event.hours, [1]);
  });

  for (const [options, message] of [
    [{ hours: [24] }, 'field "hours": expected a list of at least one number from 0 to 23, got [ 24 ]'],
    [{ minutes: [] }, 'field "minutes": expected a list of at least one number from 0 to 59, got []'],
    [{ seconds: [1.5] }, 'field "seconds": expected a list of at least one number from 0 to 59, got [ 1.5 ]'],
    [{ months: [0] }, 'field "months": expected a list of at least one number from 1 to 12, got [ 0 ]'],
    [
      { minutes: upTo(60) },
      'field "minutes": expected a list of at least one number from 0 to 59, got 60 as item 61',
    ],
    [
      { daysOfMonth: [0] },
      'field "daysOfMonth": expected a list of at least one number from 1 to 31 or from -31 to -1, got [ 0 ]',
    ],
    [
      { daysOfWeek: ["fri"] },
      'field "daysOfWeek": expected a list of at least one weekday, such as "monday", or number from 0 (Sunday) to 6, ' +
        "got [ 'fri' ]",
    ],
    [
      { timeZone: "Europe/Pariss" },
      'field "timeZone": expected the name of a time zone, such as "Europe/Paris", got "Europe/Pariss"',
    ],
    [{ hour: [1] }, 'unknown field "hour"; did you mean "hours"?'],
    [undefined, undefined],
    [null, "expected an object with options, got null"],
    [
      { months: [2], daysOfMonth: [30, 31] },
      "it would never happen: there is no date with such a day, weekday and month",
    ],
    [
      { months: [2, 4, 6, 9, 11], daysOfMonth: [-31, 31] },
      "it would never happen: there is no date with such a day, weekday and month",
    ],
  ] as const)
    it(`${JSON.stringify(options)}: ${message ?? "fine"}`, () => {
      if (message === undefined) assert.doesNotThrow(() => calendarEvent(untyped(options)));
      else
        assert.equal(
          mistake(() => calendarEvent(untyped(options))),
          `calendarEvent: ${message}`,
        );
    });
});

describe("what is a calendar event", () => {
  it("is what a builder has made, and not what looks like it", () => {
    assert.ok(calendarEventCheck.matches(onCalendar("daily")));
    assert.ok(!calendarEventCheck.matches({ ...onCalendar("daily") }));
    assert.ok(!calendarEventCheck.matches("daily"));
    assert.ok(!calendarEventCheck.matches(null));
  });
});

describe("time zones", () => {
  for (const name of [
    "UTC",
    "Europe/Paris",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+5",
    "EST5EDT",
    "Asia/Kolkata",
  ])
    it(`${name} is one`, () => assert.ok(isTimeZone(name)));
  for (const name of [
    "",
    "Nowhere",
    "+01:00",
    "-05",
    "Europe/../Paris",
    ":UTC",
    "Europe/Paris\n",
    7,
    undefined,
    null,
  ])
    it(`${JSON.stringify(name)} is none`, () => assert.ok(!isTimeZone(name)));
});
