// `herd trigger TIMER`: a run that no occurrence asks for.

import { check, checkValue } from "../definition/check.js";
import { runtime } from "../definition/runtime.js";
import type { ActionDefinition, RunningValue } from "../definition/types.js";
import { isTimer } from "./state.js";
import type { TimerState } from "./types.js";

const timer = check<TimerState>("the running value of a timer", (value) => isTimer(value as RunningValue));

/**
 * Runs a timer's action now, as if an occurrence had come about, which is not counted though: `trigger-timer` of the manual.
 * Gives whether it is run; it is not where its overlap policy has it left out while another run goes on.
 *
 * @param value the running value of the timer's service, as its actions get it
 * @throws where that is not the value of a timer that runs
 */
export function triggerTimer(value: RunningValue): boolean {
  return runtime().triggerTimer(checkValue<TimerState>({ what: "triggerTimer" }, value, timer).service);
}

/** The action `trigger`, which every timer has unless it has another of that name; `timer-trigger-action` of the manual. */
export const timerTriggerAction: ActionDefinition = Object.freeze({
  name: "trigger",
  documentation: "Trigger the action associated with this timer.",
  procedure: (value: RunningValue | false) => {
    if (value === false) {
      console.log("Attempted to trigger a timer that is not running; doing nothing.");
      return true;
    }
    if (triggerTimer(value)) console.log("Triggering timer.");
    else console.log("The timer's action is being executed; it is not executed a second time.");
    return true;
  },
});
