// What a supervisor with nothing to do uses, and what it holds.

import { setTimeout as delay } from "node:timers/promises";
import { activityOf, memoryOf } from "../usage.js";
import type { Experiment } from "./experiment.js";
import { sleepers } from "./sleepers.js";

/** What follows a start is over by then, for all peers alike; ours collects its garbage until 8 s after the last event. */
const settling = 15_000;

export const memory: Experiment = {
  name: "memory",
  scenario: sleepers,
  async measure(life, size) {
    await life.age(settling);
    const { pss, privateDirty, rss } = memoryOf(life.own().map(({ pid }) => pid));
    return [
      { metric: "memory, PSS MB", size, value: pss },
      { metric: "memory, private dirty MB", size, value: privateDirty },
      { metric: "memory, RSS MB", size, value: rss },
    ];
  },
};

export const idle: Experiment = {
  name: "idle",
  scenario: sleepers,
  // It is the same in every round, and takes long.
  rounds: 1,
  applies: (size) => size === 100,
  async measure(life, size, options) {
    await life.age(settling);
    const pids = life.own().map(({ pid }) => pid);
    const before = activityOf(pids);
    await delay(options.idle * 1000);
    const after = activityOf(pids);
    return [
      { metric: `idle CPU in ${options.idle} s, ms`, size, value: after.cpu - before.cpu },
      { metric: `wake-ups in ${options.idle} s`, size, value: after.voluntary - before.voluntary },
    ];
  },
};
