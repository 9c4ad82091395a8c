// When events happen: over the changes of the clock, over centuries, and never again.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { cronStringToCalendarEvent } from "../../../../src/daemon/timers/calendar/cron.js";
import { type CalendarEvent, calendarEvent } from "../../../../src/daemon/timers/calendar/event.js";
import { nextOccurrence, occurrences } from "../../../../src/daemon/timers/calendar/occurrences.js";
import { onCalendar } from "../../../../src/daemon/timers/calendar/on-calendar.js";

const minute = 60_000;

function dates(event: CalendarEvent, after: string, count: number): string[] {
  return occurrences(event, Date.parse(after), count).map((time) =>
    new Date(time).toISOString().replace(/(:00)?\.000Z/, "Z"),
  );
}

interface Change {
  readonly what: string;
  readonly cron: string;
  readonly zone: string;
  readonly after: string;
  /** In UTC. */
  readonly expected: readonly string[];
}

const changes: readonly Change[] = [
  {
    what: "a time that is skipped: at the end of the gap",
    cron: "30 2 * * *",
    zone: "Europe/Paris",
    after: "2026-03-27T12:00Z",
    expected: ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
  },
  {
    what: "several times that are skipped: once",
    cron: "0,20,40 2,3 * * *",
    zone: "Europe/Paris",
    after: "2026-03-29T00:00Z",
    expected: ["2026-03-29T01:00Z", "2026-03-29T01:20Z", "2026-03-29T01:40Z", "2026-03-30T00:00Z"],
  },
  {
    what: "a time that comes twice: the first",
    cron: "30 2 * * *",
    zone: "Europe/Paris",
    after: "2026-10-24T12:00Z",
    expected: ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
  },
  {
    what: "a time that comes twice, asked for in between: the next day",
    cron: "30 2 * * *",
    zone: "Europe/Paris",
    after: "2026-10-25T01:10Z",
    expected: ["2026-10-26T01:30Z"],
  },
  {
    what: "every half hour over the gap: every half hour",
    cron: "*/30 * * * *",
    zone: "Europe/Paris",
    after: "2026-03-29T00:00Z",
    expected: ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-29T02:00Z"],
  },
  {
    what: "every half hour over the hour that comes twice: every half hour",
    cron: "*/30 * * * *",
    zone: "Europe/Paris",
    after: "2026-10-25T00:00Z",
    expected: ["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z", "2026-10-25T02:00Z"],
  },
  {
    what: "a wildcard within the hour that comes twice: both times",
    cron: "*/30 2 * * *",
    zone: "America/New_York",
    after: "2027-11-07T00:00Z",
    expected: ["2027-11-07T07:00Z", "2027-11-07T07:30Z"],
  },
  {
    what: "New York's gap",
    cron: "15 2 * * *",
    zone: "America/New_York",
    after: "2027-03-13T12:00Z",
    expected: ["2027-03-14T07:00Z", "2027-03-15T06:15Z"],
  },
  {
    what: "New York's hour that comes twice",
    cron: "15 1 * * *",
    zone: "America/New_York",
    after: "2027-11-06T12:00Z",
    expected: ["2027-11-07T05:15Z", "2027-11-08T06:15Z"],
  },
  {
    what: "hourly in New York: both times",
    cron: "@hourly",
    zone: "America/New_York",
    after: "2027-11-07T04:30Z",
    expected: ["2027-11-07T05:00Z", "2027-11-07T06:00Z", "2027-11-07T07:00Z"],
  },
  {
    what: "a gap of half an hour",
    cron: "10 2 * * *",
    zone: "Australia/Lord_Howe",
    after: "2026-10-03T00:00Z",
    expected: ["2026-10-03T15:30Z", "2026-10-04T15:10Z"],
  },
  {
    what: "half an hour that comes twice",
    cron: "45 1 * * *",
    zone: "Australia/Lord_Howe",
    after: "2026-04-04T00:00Z",
    expected: ["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
  },
  {
    what: "every five minutes over half an hour that comes twice",
    cron: "*/15 * * * *",
    zone: "Australia/Lord_Howe",
    after: "2026-04-04T14:40Z",
    expected: ["2026-04-04T14:45Z", "2026-04-04T15:00Z", "2026-04-04T15:15Z", "2026-04-04T15:30Z"],
  },
  {
    what: "a day that never was: at its end",
    cron: "0 12 * * *",
    zone: "Pacific/Apia",
    after: "2011-12-29T00:00Z",
    expected: ["2011-12-29T22:00Z", "2011-12-30T10:00Z", "2011-12-30T22:00Z"],
  },
  {
    what: "midnight over a day that never was: once",
    cron: "@daily",
    zone: "Pacific/Apia",
    after: "2011-12-29T00:00Z",
    expected: ["2011-12-29T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"],
  },
  {
    what: "hourly over a day that never was: every hour",
    cron: "@hourly",
    zone: "Pacific/Apia",
    after: "2011-12-30T08:30Z",
    expected: ["2011-12-30T09:00Z", "2011-12-30T10:00Z", "2011-12-30T11:00Z"],
  },
  {
    what: "Cairo's midnight, which is skipped",
    cron: "@daily",
    zone: "Africa/Cairo",
    after: "2026-04-23T00:00Z",
    expected: ["2026-04-23T22:00Z", "2026-04-24T21:00Z"],
  },
  {
    what: "Beirut's midnight at the end of summer, whose hour before comes twice",
    cron: "30 23 * * *",
    zone: "Asia/Beirut",
    after: "2026-10-24T12:00Z",
    expected: ["2026-10-24T20:30Z", "2026-10-25T21:30Z"],
  },
  {
    what: "Monrovia's leap of 44 minutes and 30 seconds",
    cron: "10 0 * * *",
    zone: "Africa/Monrovia",
    after: "1972-01-06T00:00Z",
    expected: ["1972-01-06T00:54:30Z", "1972-01-07T00:44:30Z", "1972-01-08T00:10Z"],
  },
];

describe("when the clock is set", () => {
  for (const { what, cron, zone, after, expected } of changes)
    it(`${what} (${cron} in ${zone})`, () => {
      const event = cronStringToCalendarEvent(cron, { timeZone: zone });
      assert.deepEqual(dates(event, after, expected.length), expected);
    });
});

describe("occurrences", () => {
  it("come strictly after the time that is given, to the millisecond", () => {
    const event = calendarEvent({ seconds: [30], timeZone: "UTC" });
    assert.equal(nextOccurrence(event, 30_000), 90_000);
    assert.equal(nextOccurrence(event, 29_999), 30_000);
    assert.equal(nextOccurrence(event, 30_001), 90_000);
    assert.equal(nextOccurrence(event, -30_001), -30_000);
  });

  it("are as many as there are", () => {
    const event = onCalendar("2030-01-01,02 UTC");
    assert.deepEqual(dates(event, "2026-11-21T00:00Z", 5), ["2030-01-01T00:00Z", "2030-01-02T00:00Z"]);
    assert.deepEqual(dates(event, "2030-01-02T00:00Z", 5), []);
    assert.deepEqual(occurrences(event, 0, 0), []);
  });

  it("go over the turn of a century without a leap day", () => {
    const event = onCalendar("*-02-29 UTC");
    assert.deepEqual(dates(event, "2095-01-01T00:00Z", 2), ["2096-02-29T00:00Z", "2104-02-29T00:00Z"]);
  });

  for (const zone of ["UTC", "Europe/Paris"])
    it(`are found without counting every day, however rare, in ${zone}`, () => {
      const event = calendarEvent({
        ...{ seconds: [59], minutes: [59], hours: [23] },
        ...{ daysOfMonth: [29], daysOfWeek: ["monday"], months: [2], timeZone: zone },
      });
      const start = performance.now();
      const years = occurrences(event, Date.parse("2072-03-01T00:00Z"), 10).map((time) =>
        new Date(time).getUTCFullYear(),
      );
      assert.deepEqual(years, [2112, 2140, 2168, 2196, 2208, 2236, 2264, 2292, 2304, 2332]);
      assert.ok(performance.now() - start < 2000, "ten of them take a few milliseconds");
    });

  it("are those of the machine's own time zone by default", () => {
    const program = `
      import { calendarEvent } from "./build/src/daemon/timers/calendar/event.js";
      import { nextOccurrence } from "./build/src/daemon/timers/calendar/occurrences.js";
      console.log(nextOccurrence(calendarEvent({ hours: [12], minutes: [0] }), 0) / 3600e3);`;
    const noonIn = (TZ: string) =>
      spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
        encoding: "utf8",
        env: { PATH: process.env.PATH, TZ },
      }).stdout.trim();
    assert.deepEqual(["Asia/Tokyo", ":America/New_York", "UTC", ""].map(noonIn), ["3", "17", "12", "12"]);
  });

  it("of a wildcard never lie closer or further than the clock's own steps", () => {
    const event = onCalendar("*:0/5 Europe/Paris");
    const year = occurrences(event, Date.parse("2026-10-20T00:00Z"), 3000);
    const steps = new Set(year.map((time, index) => time - (year[index - 1] ?? time - 5 * minute)));
    assert.deepEqual([...steps], [5 * minute]);
  });
});
