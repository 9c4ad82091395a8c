// A hundred services, each of which needs the one before.

import { type Experiment, numbered, type Scenario, sleeper } from "./experiment.js";

const depth = 100;

export const needsOrder: NonNullable<Scenario["refuses"]> = ({ orders }) =>
  orders ? undefined : "no dependencies between services";

export const chain: Experiment = {
  name: "chain",
  scenario: {
    name: "chain",
    refuses: needsOrder,
    services: (life) =>
      Array.from({ length: depth }, (_, index) =>
        sleeper(life, numbered(index), index === 0 ? [] : [numbered(index - 1)]),
      ),
    begin: (life) => life.boot(depth),
  },
  measure: (life) =>
    Promise.resolve([{ metric: "chain of 100, ms", value: life.startTimes()[depth - 1] ?? Number.NaN }]),
};
