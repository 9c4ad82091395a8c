// What people wait for at a prompt: the client's status of one service, and its list of all.

import type { Experiment } from "./experiment.js";
import { numbered } from "./experiment.js";
import { sleepers } from "./sleepers.js";

export const status: Experiment = {
  name: "status",
  scenario: sleepers,
  async measure(life, size) {
    const count = size <= 100 ? 15 : 5;
    const one = { status: numbered(Math.floor(size / 2)) };
    // The first finds cold caches, and is not what people wait for all day.
    await life.timeClient(one, 1);
    await life.timeClient("list", 1);
    const ones = await life.timeClient(one, count);
    const lists = await life.timeClient("list", count);
    return [
      ...ones.map((value) => ({ metric: "status of one, ms", size, value })),
      ...lists.map((value) => ({ metric: "list, ms", size, value })),
    ];
  },
};
