// 10,000 orphans that end at once, as PID 1: from then until none of them is left.

import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Unable } from "../life.js";
import { type Experiment, numbered, sleeper } from "./experiment.js";

const orphans = 10_000;

export const reap: Experiment = {
  name: "reap",
  scenario: {
    name: "reap",
    asInit: true,
    services: (life) => [sleeper(life, numbered(0))],
    begin: async (life) => {
      life.start();
      const patience = 30 * (life.peer.patience ?? 1);
      if (!(await life.until(() => life.services(life.stamps.read()).length > 0, patience)))
        throw new Unable(`runs no service as PID 1: ${life.output()}`);
    },
  },
  async measure(life) {
    await delay(2000);
    const base = life.tasks();
    const maker = life.spawnInside(["orphans", life.stamps.file, String(orphans)]);
    const made = once(maker, "exit");
    const words = ["drained", life.stamps.file, life.taskCounter, String(base), String(orphans), "20"];
    const { reaped, left } = await life.runHelper(words).then(
      () => ({ reaped: true, left: 0 }),
      () => ({ reaped: false, left: life.tasks() - base }),
    );
    await made;
    if (!reaped) throw new Unable(`${left} of the orphans are left`);
    const took = life.stamps.get("@drained").at - life.stamps.get("@release").at;
    return [{ metric: "10,000 orphans reaped as PID 1, ms", value: took / 1e6 }];
  },
};
