// Timers whose daemon is killed at every instant: no run is lost, and none is doubled.

import { test } from "node:test";
import { command, interval, makeTimerConstructor } from "../../../src/daemon/timers/builders.js";
import { calendarEvent } from "../../../src/daemon/timers/calendar/event.js";
import { rest, type Scenario, sweep } from "../../support/crashes.js";
import { client, type TestSystem } from "../../support/system.js";
import { Clock, day, end, fire, hour, runs, start, timer, timerOf } from "./support.js";

const nightly = calendarEvent({ hours: [4], minutes: [0], timeZone: "Europe/Paris" });
const job = command(["/bin/job"]);

const endsAtOnce: Scenario["keeper"] = {
  onSpawn: ({ id }, keeper) => {
    keeper.started(id);
    keeper.end(id, { code: 3 });
  },
};

/** How many runs there were, and go on. */
const counts = (one: TestSystem): unknown => {
  const { past, runs: going, waiting, remaining } = timerOf(one);
  return { past: past.map(({ outcome }) => outcome), going: going.length, waiting, remaining };
};

/** How many there were, be they interrupted or not. */
const howMany = (one: TestSystem): unknown => timerOf(one).past.length;

const trigger = async (one: TestSystem): Promise<void> => {
  one.system.registry.get("tick").trigger();
  await rest(one);
};

const scenarios: Readonly<Record<string, (clock: Clock) => Omit<Scenario, "parts">>> = {
  "an alarm, and a run that ends at once": (clock) => ({
    definitions: [timer(makeTimerConstructor(nightly, job))],
    keeper: endsAtOnce,
    before: start,
    act: async (one) => {
      clock.pass(day);
      await fire(one);
    },
    ends: { tick: "running" },
    look: counts,
  }),
  "an alarm, and a run that goes on": (clock) => ({
    definitions: [timer(makeTimerConstructor(nightly, job))],
    before: start,
    act: async (one) => {
      clock.pass(day);
      await fire(one);
    },
    ends: { tick: "running" },
    look: counts,
  }),
  "the end of a run after which another one is due": () => ({
    definitions: [timer(makeTimerConstructor(nightly, job, { overlap: "queue" }))],
    before: async (one) => {
      await start(one);
      await trigger(one);
      await trigger(one);
    },
    act: end,
    ends: { tick: "running" },
    look: counts,
  }),
  "the end of one of two runs side by side": () => ({
    definitions: [timer(makeTimerConstructor(nightly, job, { overlap: "allow" }))],
    before: async (one) => {
      await start(one);
      await trigger(one);
      await trigger(one);
    },
    act: end,
    ends: { tick: "running" },
    look: counts,
  }),
  "the last occurrence": (clock) => ({
    definitions: [timer(makeTimerConstructor(nightly, job, { occurrences: 1 }))],
    keeper: endsAtOnce,
    before: start,
    act: async (one) => {
      clock.pass(day);
      await fire(one);
    },
    ends: { tick: "stopped" },
  }),
  "the last occurrence, which had to wait for another run": (clock) => ({
    definitions: [timer(makeTimerConstructor(nightly, job, { occurrences: 1, overlap: "queue" }))],
    before: async (one) => {
      await start(one);
      await trigger(one);
      clock.pass(day);
      await fire(one);
      await end(one);
    },
    act: end,
    ends: { tick: "stopped" },
  }),
  "the end of a run from which the next one is counted": (clock) => ({
    definitions: [timer(makeTimerConstructor(interval({ minutes: 1, from: "end" }), job))],
    before: async (one) => {
      await start(one);
      clock.pass(60);
      await fire(one);
      clock.pass(10);
    },
    act: end,
    ends: { tick: "running" },
    look: (one) => [counts(one), String(one.keeper.timers.get("timer/tick")?.at)],
  }),
  "a run that takes too long": () => ({
    definitions: [timer(makeTimerConstructor(nightly, job, { maxDuration: 10 }))],
    before: async (one) => {
      await start(one);
      await trigger(one);
    },
    act: (one) => fire(one, `run/${runs(one)[0]}`),
    ends: { tick: "running" },
    look: (one) => [
      timerOf(one).past.map(({ outcome, timedOut }) => [outcome, timedOut]),
      one.keeper.timers.size,
    ],
  }),
  "a run that the keeper refuses": () => ({
    definitions: [timer(makeTimerConstructor(nightly, job))],
    before: async (one) => {
      await start(one);
      one.keeper.refuse("spawn", 12);
    },
    act: trigger,
    ends: { tick: "running" },
  }),
  "a function": () => ({
    definitions: [timer(makeTimerConstructor(nightly, async () => await new Promise(setImmediate)))],
    before: async (one) => {
      await start(one);
      await trigger(one);
    },
    act: trigger,
    ends: { tick: "running" },
    look: howMany,
  }),
  "a function that may be called again": () => ({
    definitions: [
      timer(
        makeTimerConstructor(nightly, async () => await new Promise(setImmediate)),
        { retryable: true },
      ),
    ],
    before: start,
    act: trigger,
    ends: { tick: "running" },
    look: counts,
  }),
  "a stop while a run goes on": () => ({
    definitions: [timer(makeTimerConstructor(nightly, job, { maxDuration: 10 }))],
    before: async (one) => {
      await start(one);
      await trigger(one);
    },
    act: async (one) => {
      await one.system.supervisor.stop("tick", [], client());
      await rest(one);
    },
    ends: { tick: "stopped" },
    look: ({ keeper }) => [...keeper.timers.keys()].filter((id) => !id.startsWith("stop/")),
  }),
  "a clock that is set": (clock) => ({
    definitions: [timer(makeTimerConstructor(nightly, job))],
    before: start,
    act: async (one) => {
      clock.pass(20 * hour);
      clock.set(2 * hour);
      one.keeper.emit({ type: "clock-was-set" });
      await rest(one);
    },
    ends: { tick: "running" },
    look: counts,
  }),
};

for (const [what, scenario] of Object.entries(scenarios))
  test(`${what}, whenever the daemon dies`, async () => {
    const clock = new Clock("2026-11-21T12:00:00Z");
    await sweep({ ...scenario(clock), parts: { instant: clock.instant } });
  });
