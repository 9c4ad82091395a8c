// From exec of the supervisor until the first and until all of N services have executed their programs.

import type { Experiment } from "./experiment.js";
import { sleepers } from "./sleepers.js";

export const boot: Experiment = {
  name: "boot",
  scenario: sleepers,
  measure(life, size) {
    const times = life.startTimes();
    return Promise.resolve([
      { metric: "exec to the first running, ms", size, value: times[0] ?? Number.NaN },
      { metric: "exec to all running, ms", size, value: times[size - 1] ?? Number.NaN },
    ]);
  },
};
