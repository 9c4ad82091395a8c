// A service that needs a thousand others.

import { needsOrder } from "./chain.js";
import { type Experiment, numbered, sleeper } from "./experiment.js";

const width = 1000;

export const fanIn: Experiment = {
  name: "fan-in",
  scenario: {
    name: "fan-in",
    refuses: needsOrder,
    services(life) {
      const leaves = Array.from({ length: width }, (_, index) => numbered(index));
      return [...leaves.map((name) => sleeper(life, name)), sleeper(life, numbered(width), leaves)];
    },
    begin: (life) => life.boot(width + 1),
  },
  measure: (life) =>
    Promise.resolve([{ metric: "fan-in of 1,000, ms", value: life.startTimes()[width] ?? Number.NaN }]),
};
