// When timers go off, and what they make of clocks that are set and of machines that sleep: real zones, and a clock that the
// tests set.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CalendarEvent, calendarEvent } from "../../../src/daemon/timers/calendar/event.js";
import { nextOccurrence } from "../../../src/daemon/timers/calendar/occurrences.js";
import { alarmOf, beginTiming, coming, type Policy, plan } from "../../../src/daemon/timers/plan.js";
import type { Interval, Schedule, Timing } from "../../../src/daemon/timers/types.js";
import { Clock, day, hour } from "./support.js";

const minute = 60;
const year = 365 * day;

const nightly = calendarEvent({ hours: [2], minutes: [30], timeZone: "Europe/Paris" });
const hourly = calendarEvent({ minutes: [0], timeZone: "UTC" });
const everySecond = calendarEvent({
  seconds: Array.from({ length: 60 }, (_, second) => second),
  timeZone: "UTC",
});

const policyOf = (schedule: Schedule, options: Partial<Policy> = {}): Policy => ({
  schedule,
  persistent: false,
  delay: () => 0,
  nextOccurrence,
  ...options,
});

/** One timer: what `do` makes of the clock is what a daemon would. */
class Timer {
  readonly #policy: Policy;
  readonly #clock: Clock;
  timing: Timing;

  constructor(policy: Policy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
    this.timing = beginTiming(policy, clock.instant());
  }

  look(): string {
    const { timing, outcome } = plan(this.#policy, this.timing, this.#clock.instant());
    this.timing = timing;
    return outcome;
  }

  get next(): string {
    const alarm = alarmOf(this.timing);
    return alarm === undefined ? "never" : new Date(alarm).toISOString().replace(".000Z", "Z");
  }
}

/** Looks at each alarm until an instant, and gives when there was a run. */
function runsUntil(schedule: CalendarEvent, from: string, until: string): readonly string[] {
  const clock = new Clock(from);
  const timer = new Timer(policyOf(schedule), clock);
  const found: string[] = [];
  for (;;) {
    const alarm = alarmOf(timer.timing);
    if (alarm === undefined || alarm > Date.parse(until)) return found;
    const { next } = timer;
    clock.pass((alarm - clock.instant().realtime) / 1000);
    if (timer.look() === "run") found.push(next);
  }
}

interface Case {
  readonly what: string;
  readonly schedule: Schedule;
  readonly from: string;
  readonly persistent?: true;
  readonly change: (clock: Clock) => void;
  readonly outcome: string;
  readonly next: string;
}

const noon = "2026-11-21T12:00:00Z";
const cases: readonly Case[] = [
  {
    what: "before its time nothing happens",
    schedule: nightly,
    from: noon,
    change: (clock) => clock.pass(hour),
    outcome: "wait",
    next: "2026-11-22T01:30:00Z",
  },
  {
    what: "at its time it runs",
    schedule: nightly,
    from: noon,
    change: (clock) => clock.pass(13.5 * hour),
    outcome: "run",
    next: "2026-11-23T01:30:00Z",
  },
  {
    what: "what a supervisor that was stopped for days missed is one run",
    schedule: hourly,
    from: noon,
    change: (clock) => clock.pass(3 * day + 10 * minute),
    outcome: "run",
    next: "2026-11-24T13:00:00Z",
  },
  {
    what: "what a machine slept through is one run",
    schedule: hourly,
    from: noon,
    change: (clock) => clock.sleep(2 * day + 10 * minute),
    outcome: "run",
    next: "2026-11-23T13:00:00Z",
  },
  {
    what: "a clock set forward by 3 hours makes up for what it skipped, once",
    schedule: hourly,
    from: noon,
    change: (clock) => clock.set(3 * hour),
    outcome: "run",
    next: "2026-11-21T16:00:00Z",
  },
  {
    what: "a clock set forward by 4 hours leaves out what it skipped",
    schedule: hourly,
    from: noon,
    change: (clock) => clock.set(4 * hour + 10 * minute),
    outcome: "left-out",
    next: "2026-11-21T17:00:00Z",
  },
  {
    what: "a clock set forward by 4 hours, by which nothing is later than 3 hours",
    schedule: nightly,
    from: "2026-11-21T23:30:00Z",
    change: (clock) => clock.set(4 * hour),
    outcome: "run",
    next: "2026-11-23T01:30:00Z",
  },
  {
    what: "the first right time after a boot in 1970 makes nothing happen",
    schedule: everySecond,
    from: "1970-01-01T00:01:00Z",
    change: (clock) => clock.set(56 * year),
    outcome: "left-out",
    next: "2025-12-18T00:01:01Z",
  },
  {
    what: "but what is persistent",
    schedule: nightly,
    from: "1970-01-01T00:01:00Z",
    persistent: true,
    change: (clock) => clock.set(56 * year),
    outcome: "run",
    next: "2025-12-18T01:30:00Z",
  },
  {
    what: "a clock set back by a year does not make it wait for a year",
    schedule: hourly,
    from: noon,
    change: (clock) => clock.set(-year),
    outcome: "wait",
    next: "2025-11-21T13:00:00Z",
  },
  {
    what: "a clock set back by 3 hours makes nothing happen twice",
    schedule: hourly,
    from: noon,
    change: (clock) => clock.set(-3 * hour),
    outcome: "wait",
    next: "2026-11-21T13:00:00Z",
  },
];

describe("a timer's plan", () => {
  for (const { what, schedule, from, persistent = false, change, outcome, next } of cases)
    it(what, () => {
      const clock = new Clock(from);
      const timer = new Timer(policyOf(schedule, { persistent }), clock);
      change(clock);
      assert.equal(timer.look(), outcome);
      assert.equal(timer.next, next);
      assert.equal(timer.look(), "wait", "looking again changes nothing");
      assert.equal(timer.next, next);
    });

  it("runs no occurrence twice while the clock goes back and forth by 3 hours", () => {
    const clock = new Clock("2026-11-21T11:59:30Z");
    const timer = new Timer(policyOf(hourly), clock);
    const seen: string[] = [];
    for (const change of [30, -3 * hour, hour, hour, hour, hour, -hour, hour, hour]) {
      if (change > 0) clock.pass(change);
      else clock.set(change);
      const { next } = timer;
      if (timer.look() === "run") seen.push(next.slice(11, 16));
    }
    assert.deepEqual(seen, ["12:00", "13:00", "14:00"]);
  });

  it("makes up for nothing that was run before the clock was set back, once it is right again", () => {
    for (const persistent of [false, true]) {
      const clock = new Clock("2026-11-21T12:00:00Z");
      const timer = new Timer(policyOf(hourly, { persistent }), clock);
      clock.set(-56 * year);
      assert.equal(timer.look(), "wait");
      clock.pass(10);
      assert.equal(timer.look(), "wait");
      clock.set(56 * year);
      assert.equal(timer.look(), "wait", persistent ? "persistent" : "not persistent");
      assert.equal(timer.next, "2026-11-21T13:00:00Z");
      // What happened by the wrong time is all that is known of the right one.
      clock.set(-56 * year);
      assert.equal(timer.look(), "wait");
      clock.pass(hour);
      assert.equal(timer.look(), "run");
      clock.set(56 * year);
      assert.equal(timer.look(), persistent ? "run" : "left-out");
    }
  });

  it("runs a nightly event once in each night in which the clocks change", () => {
    const dates = (year: number, from: string, until: string) =>
      runsUntil(nightly, `${year}-${from}T12:00:00Z`, `${year}-${until}T12:00:00Z`);
    // 02:30 does not exist: the first instant after the gap.
    assert.deepEqual(dates(2026, "03-27", "03-30"), [
      "2026-03-28T01:30:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-30T00:30:00Z",
    ]);
    // 02:30 comes twice.
    assert.deepEqual(dates(2026, "10-23", "10-26"), [
      "2026-10-24T00:30:00Z",
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z",
    ]);
  });

  it("runs an event of every ten minutes every ten minutes, in such nights too", () => {
    const often = calendarEvent({ minutes: [0, 10, 20, 30, 40, 50], timeZone: "America/New_York" });
    for (const night of ["2026-03-08", "2026-11-01"]) {
      const found = runsUntil(often, `${night}T04:00:00Z`, `${night}T09:00:00Z`).map((at) => Date.parse(at));
      assert.equal(found.length, 30);
      assert.ok(found.every((at, index) => index === 0 || at - (found[index - 1] ?? 0) === 600_000));
    }
  });

  it("puts an occurrence off by its delay, which a look does not change", () => {
    const clock = new Clock(noon);
    const delays = [90_000, 10_000];
    const timer = new Timer(policyOf(hourly, { delay: () => delays.shift() ?? 0 }), clock);
    assert.equal(timer.next, "2026-11-21T13:01:30Z");
    clock.pass(hour);
    assert.equal(timer.look(), "wait");
    assert.equal(timer.next, "2026-11-21T13:01:30Z");
    clock.pass(90);
    assert.equal(timer.look(), "run");
    assert.equal(timer.next, "2026-11-21T14:00:10Z");
  });

  it("knows when there is nothing to come", () => {
    const timer = new Timer(policyOf(hourly, { nextOccurrence: () => undefined }), new Clock(noon));
    assert.equal(timer.next, "never");
    assert.equal(timer.look(), "wait");
  });

  it("goes by elapsed time for an interval, whatever is done to the clock", () => {
    const clock = new Clock(noon);
    const every = (from: Interval["from"]): Timer =>
      new Timer(policyOf({ kind: "interval", period: 600, from }), clock);
    clock.pass(100);
    const timers = [every("start"), every("end"), every("boot")];
    const next = (): readonly number[] =>
      timers.map(({ timing }) => ((alarmOf(timing) ?? 0) - clock.instant().monotonic) / 1000);
    assert.deepEqual(next(), [600, 600, 500]);
    clock.set(-year);
    clock.pass(90);
    clock.set(3 * year);
    clock.sleep(hour);
    for (const timer of timers) assert.equal(timer.look(), "wait");
    assert.deepEqual(next(), [510, 510, 410]);
    clock.pass(10 * hour);
    for (const timer of timers) assert.equal(timer.look(), "run");
    assert.deepEqual(next(), [510, 600, 410]);
  });

  it("tells what is to come", () => {
    const clock = new Clock(noon);
    const list = (schedule: Schedule, count: number): readonly number[] => {
      const policy = policyOf(schedule);
      return coming(policy, beginTiming(policy, clock.instant()), count);
    };
    const start = Date.parse(noon);
    assert.deepEqual(
      list(hourly, 3),
      [1, 2, 3].map((hours) => start + hours * hour * 1000),
    );
    const { monotonic } = clock.instant();
    assert.deepEqual(list({ kind: "interval", period: 10, from: "start" }, 2), [
      monotonic + 10_000,
      monotonic + 20_000,
    ]);
    assert.deepEqual(list({ kind: "interval", period: 10, from: "end" }, 2), [monotonic + 10_000]);
    assert.deepEqual(list(hourly, 0), []);
  });
});
