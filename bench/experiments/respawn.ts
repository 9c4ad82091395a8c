// From kill -9 of a service to the exec of its program in the next process.

import { setTimeout as delay } from "node:timers/promises";
import { Unable } from "../life.js";
import { type Experiment, numbered } from "./experiment.js";
import { sleepers } from "./sleepers.js";

const kills = 10;
/** Several hold a service back that ran for less than a second. */
const settling = 2500;

export const respawn: Experiment = {
  name: "respawn",
  scenario: sleepers,
  applies: (size) => size === 100,
  async measure(life, size) {
    await life.age(settling);
    const values: number[] = [];
    for (let index = 0; index < kills; index += 1) {
      const name = numbered(index);
      const victim = life.stamps.get(name).pid;
      const first = life.stamps.count();
      await life.runHelper(["kill", life.stamps.file, String(life.outer(victim))]);
      const back = (): boolean => life.stamps.find(name, first) !== undefined;
      if (!(await life.until(back, 10))) throw new Unable(`${name} was not respawned within 10 s`);
      const from = life.stamps.find("@kill", first)?.at ?? Number.NaN;
      values.push(((life.stamps.find(name, first)?.at ?? Number.NaN) - from) / 1e6);
      await delay(200);
    }
    return values.map((value) => ({ metric: "respawn after kill -9, ms", size, value }));
  },
};
