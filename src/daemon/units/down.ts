// Whether there is anything to start of a unit that others start.

import type { States } from "../constructors/host.js";
import { isDown } from "../controller/state.js";

/**
 * Whether the service neither runs nor is about to, nor decides whether it will, and may be started. One that somebody has
 * disabled is left alone until it is enabled; what does not exist may come to be.
 */
export function isStartable(states: States, service: string): boolean {
  const state = states.of(service)?.state;
  return state === undefined || (isDown(state) && !state.undecided && state.enabled);
}
