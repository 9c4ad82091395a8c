// What a supervisor holds while it sleeps, and how long one waits for an answer that wakes it.

import { setTimeout as delay } from "node:timers/promises";
import { Unable } from "../life.js";
import { memoryOf } from "../usage.js";
import { type Experiment, numbered } from "./experiment.js";
import { sleepers } from "./sleepers.js";

const wakes = 5;
/** Seconds until it sleeps. */
const patience = 30;
const settling = 500;

export const hibernation: Experiment = {
  name: "hibernation",
  special: true,
  scenario: {
    ...sleepers,
    name: "hibernation",
    sizes: ({ sizes }) => sizes.filter((size) => size <= 100),
  },
  async measure(life, size) {
    const sleep = async (): Promise<void> => {
      if (!(await life.until(() => life.isAsleep(), patience)))
        throw new Unable(`did not go to sleep within ${patience} s`);
      await delay(settling);
    };
    await sleep();
    const { pss, privateDirty } = memoryOf(life.own().map(({ pid }) => pid));
    const waits: number[] = [];
    for (let index = 0; index < wakes; index += 1) {
      waits.push(...(await life.timeClient({ status: numbered(0) }, 1)));
      await sleep();
    }
    return [
      { metric: "hibernating, PSS MB", size, value: pss },
      { metric: "hibernating, private dirty MB", size, value: privateDirty },
      ...waits.map((value) => ({ metric: "status that wakes it, ms", size, value })),
    ];
  },
};
