// Gives a timer's constructor the policy that holds for all logs while its service runs.

import { frozenCopy } from "../definition/freeze.js";
import { builtin, type Constructor } from "../definition/types.js";
import { timerProcedure } from "../timers/types.js";
import type { SizedPolicy } from "./rotation-policy.js";

/** @param timer made by `makeTimerConstructor` */
export function whileItRuns(timer: Constructor, logs: SizedPolicy): Constructor {
  const data = timer[builtin];
  if (data?.kind !== "timer") throw new TypeError("whileItRuns: expected the constructor of a timer");
  const procedure = timer[timerProcedure];
  const start: Constructor = (...args) => timer(...args);
  return Object.freeze(
    Object.assign(start, {
      [builtin]: frozenCopy({ ...data, logs }),
      ...(procedure === undefined ? {} : { [timerProcedure]: procedure }),
    }),
  );
}
