// Which services cannot do without the supervisor, even for a while: something ticks, or lives, inside of it for them.
// What the keeper holds, such as processes, sockets and timers, needs nobody.

import type { Controller } from "../controller/controller.js";
import { isDown } from "../controller/state.js";
import { builtin, type ServiceDefinition } from "../definition/types.js";
import { supervisionOf } from "../readiness/options.js";
import { isTimer } from "../timers/state.js";
import { functionRuns } from "../timers/view.js";

type Attended = Pick<Controller, "name" | "state" | "definition" | "isEnding" | "isAttended">;

/**
 * Why the supervisor must stay awake for a service, as the end of a sentence; undefined where it need not.
 * @param isLoose whether no module defines it, so that a next supervisor has nothing but what of it is data
 */
export function whyAttended(controller: Attended, isLoose: boolean): string | undefined {
  const { name, state, definition } = controller;
  if (isLoose && !isData(definition)) return `service ${name} is a function that no module in force defines`;
  const isAtRest = state.status === "running" ? !controller.isEnding : isDown(state);
  const { wanted, undecided, ownEnd, leaders } = state;
  if (!isAtRest || wanted !== undefined || undecided || ownEnd !== undefined || leaders.length > 0)
    return `service ${name} is on its way from one state to another`;
  return state.status === "running" ? whileRunning(controller) : undefined;
}

function whileRunning({ name, state, definition, isAttended }: Attended): string | undefined {
  if (definition.resume !== undefined) return `service ${name} lives inside of the supervisor`;
  const data = definition.start[builtin];
  const { health, watchdog = 0 } = supervisionOf(data);
  if (health !== undefined) return `the health of service ${name} is looked after`;
  if ((state.condition.watchdog ?? watchdog) > 0) return `service ${name} has a watchdog`;
  if (data?.kind === "unit-path") return `path ${name} is watched`;
  if (data?.kind === "unit" && isAttended) return `unit ${name} is watched without a main process`;
  if (data?.kind === "timer" && isTimer(state.value) && functionRuns(data, state.value).length > 0)
    return `a function of timer ${name} runs`;
  return undefined;
}

/** As `definitionOf` makes it again. */
function isData({ start, stop, actions, terminationHandler }: ServiceDefinition): boolean {
  const kind = start[builtin]?.kind;
  const hasUsualActions = actions.length === 0 || kind === "timer" || kind === "unit";
  return (
    kind !== undefined && stop[builtin] !== undefined && terminationHandler === undefined && hasUsualActions
  );
}
