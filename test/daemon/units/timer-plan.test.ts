// When a timer unit elapses next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { nextOccurrence } from "../../../src/daemon/timers/calendar/occurrences.js";
import { onCalendar } from "../../../src/daemon/timers/calendar/on-calendar.js";
import type { Instant } from "../../../src/daemon/timers/plan.js";
import {
  type Arithmetic,
  elapse,
  isDue,
  observe,
  planTimer,
  type UnitTimerState,
  upcoming,
} from "../../../src/daemon/units/timer-plan.js";
import type { TimerSettings } from "../../../systemd-compat/directives.js";
import type { TimerBase, TimerValue } from "../../../systemd-compat/values/triggers.js";

const noon = Date.parse("2026-11-21T12:00:00Z");
const minute = 60_000;
const hour = 60 * minute;

/** So many milliseconds after noon, of a machine that was booted an hour before that. */
const after = (milliseconds: number): Instant => ({
  realtime: noon + milliseconds,
  monotonic: hour + milliseconds,
  boottime: hour + milliseconds,
});
const plain: Arithmetic = { nextOccurrence, delay: () => 0 };

const begun: UnitTimerState = {
  type: "unit-timer",
  starts: "job.service",
  phase: "waiting",
  activated: { at: noon, monotonic: hour },
  boot: 0,
  startup: 10_000,
  spent: [],
};

const calendar = (text: string): TimerValue => ({ base: "calendar", event: onCalendar(text), text });
const span = (base: TimerBase, seconds: number): TimerValue => ({ base, seconds });
const settings = (...Elapse: TimerValue[]): TimerSettings => ({ Elapse });
const planned = (
  given: TimerSettings,
  state: UnitTimerState = begun,
  now = after(0),
  by = plain,
): UnitTimerState => planTimer(given, state, now, by);

test("a calendar event counts from the last time, else from the timer's own start", () => {
  const hourly = settings(calendar("hourly UTC"));
  assert.equal(planned(hourly).realtime?.at, noon + hour);
  const missed = { ...begun, trigger: { realtime: noon - 5 * minute } };
  assert.equal(planned(hourly, missed).realtime?.at, noon);
  assert.ok(isDue(planned(hourly, missed), after(0)));
});

test("of several calendar events the first counts", () => {
  const both = settings(calendar("*-*-* 13:00 UTC"), calendar("*-*-* 12:30 UTC"));
  assert.equal(planned(both).realtime?.at, noon + 30 * minute);
});

test("what was missed before the system was up is put off from when it came up", () => {
  const daily = settings(calendar("daily UTC"));
  const longAgo = { ...begun, trigger: { realtime: noon - 72 * hour } };
  const put = planned(daily, longAgo, after(0), { ...plain, delay: () => 5000 });
  assert.deepEqual(put.realtime, { at: noon - hour + 10_000, delay: 5000 });
});

test("monotonic times count from what they name, and elapse once", () => {
  for (const [base, seconds, at] of [
    ["active", 60, hour + minute],
    ["boot", 4000, 4_000_000],
    ["startup", 4000, 4_010_000],
  ] as const) {
    const one = settings(span(base, seconds));
    const first = planned(one);
    assert.equal(first.monotonic?.at, at, base);
    const run = elapse(first, after(hour));
    const second = planned(one, run, after(hour + 1));
    assert.deepEqual([second.phase, second.spent], ["elapsed", [0]], base);
    // Not again when it is planned again later either.
    assert.equal(planned(one, second, after(2 * hour)).phase, "elapsed");
  }
});

test("a time that is put off is not over before it has come", () => {
  const both = settings(span("active", 60), calendar("hourly UTC"));
  const late = { ...plain, delay: () => 2 * minute };
  const run = { ...begun, trigger: { realtime: noon - minute } };
  const first = planned(both, run, after(0), late);
  const second = planned(both, first, after(2 * minute), late);
  assert.deepEqual([second.spent, second.monotonic], [[], { at: hour + minute, delay: 2 * minute }]);
  assert.deepEqual(planned(both, elapse(second, after(3 * minute)), after(3 * minute), late).spent, [0]);
});

test("what was over before the timer began elapses at once, the first time only", () => {
  const one = settings(span("boot", 300));
  const first = planned(one);
  assert.ok(isDue(first, after(0)));
  assert.equal(planned(one, elapse(first, after(0)), after(0)).phase, "elapsed");
});

test("times after the unit's starts and ends need one, and come again each time", () => {
  const one = settings(span("unit-active", 600), span("unit-inactive", 900));
  const idle = planned(one);
  assert.equal(idle.phase, "elapsed");
  const active = planned(one, { ...idle, unitActive: { at: noon, monotonic: hour } });
  assert.equal(active.monotonic?.at, hour + 10 * minute);
  const ended = planned(settings(span("unit-inactive", 900)), {
    ...begun,
    unitInactive: { at: noon, monotonic: hour },
    trigger: { realtime: noon + minute, monotonic: hour + minute },
  });
  assert.equal(ended.monotonic?.at, hour + 16 * minute);
});

test("a pause lies between two runs even where the settings have none", () => {
  const one = settings(span("unit-inactive", 0));
  const state = planned(one, {
    ...begun,
    unitInactive: { at: noon, monotonic: hour },
    trigger: { realtime: noon, monotonic: hour },
  });
  assert.equal(state.monotonic?.at, hour + 100);
});

test("a delay stays as long as what it puts off does", () => {
  let drawn = 0;
  const random = { ...plain, delay: () => (drawn += 1000) };
  const hourly = settings(calendar("hourly UTC"));
  const first = planned(hourly, begun, after(0), random);
  const second = planned(hourly, first, after(minute), random);
  assert.deepEqual([first.realtime?.delay, second.realtime], [1000, first.realtime]);
  const third = planned(hourly, { ...second, trigger: { realtime: noon + hour } }, after(hour), random);
  assert.deepEqual(third.realtime, { at: noon + 2 * hour, delay: 2000 });
});

test("a clock that was set back makes nothing wait until its former time has come again", () => {
  const hourly = settings(calendar("hourly UTC"));
  const ahead = { ...begun, trigger: { realtime: noon + 9000 * hour } };
  const state = planned(hourly, ahead, after(minute));
  assert.equal(state.realtime?.at, noon + hour);
  assert.equal(state.trigger?.realtime, noon + minute);
});

test("a timer for the setting of the clock waits though nothing is planned", () => {
  assert.equal(planned({ OnClockChange: true }).phase, "waiting");
});

test("the unit's changes are known by the times that its state has, in the order of that", () => {
  const now = after(2000);
  const changes = [
    { status: "stopped", time: noon / 1000 + 1 },
    { status: "running", time: noon / 1000 + 0.5 },
    { status: "starting", time: noon / 1000 },
  ];
  const seen = observe(begun, changes, now);
  assert.deepEqual(seen.unitActive, { at: noon, monotonic: hour });
  assert.deepEqual(seen.unitInactive, { at: noon + 1000, monotonic: hour + 1000 });
  assert.equal(observe(seen, changes, after(hour)), seen);
  // What the clock on the wall says later changes nothing of what is known.
  const again = observe(seen, [{ status: "starting", time: noon / 1000 + 5 }, ...changes], after(5000));
  assert.deepEqual(again.unitActive, { at: noon + 5000, monotonic: hour + 5000 });
  assert.equal(again.unitInactive, seen.unitInactive);
});

test("what is coming is told by the clock on the wall", () => {
  const one = settings(calendar("hourly UTC"), span("active", 90));
  const state = planned(one);
  assert.deepEqual(upcoming(one, state, after(0), 3, plain), [noon + 90_000, noon + hour, noon + 2 * hour]);
  assert.deepEqual(upcoming(one, { ...state, phase: "running" }, after(0), 3, plain), []);
});
