// All experiments, in the order of the table. Those that share a life come in the order in which they may follow each other.

import { boot } from "./boot.js";
import { chain } from "./chain.js";
import type { Experiment } from "./experiment.js";
import { fanIn } from "./fan-in.js";
import { hibernation } from "./hibernation.js";
import { idle, memory } from "./idle.js";
import { log } from "./log.js";
import { reap } from "./reap.js";
import { respawn } from "./respawn.js";
import { status } from "./status.js";
import { stop } from "./stop.js";

export const experiments: readonly Experiment[] = [
  boot,
  chain,
  fanIn,
  memory,
  idle,
  hibernation,
  status,
  respawn,
  stop,
  log,
  reap,
];
