// The scenario of N services that only sleep.

import { numbered, type Scenario, sleeper } from "./experiment.js";

export const sleepers: Scenario = {
  name: "sleepers",
  sizes: ({ sizes }) => sizes,
  refuses: ({ most }, size) =>
    most !== undefined && size > most ? `holds at most ${most} services` : undefined,
  services: (life, size) => Array.from({ length: size }, (_, index) => sleeper(life, numbered(index))),
  begin: (life, size) => life.boot(size),
};
