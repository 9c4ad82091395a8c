// What a unit is told that others have it started by OnFailure= or OnSuccess=: whose end that was, and how they ended.

import type { Host } from "../constructors/host.js";
import { builtin } from "../definition/types.js";
import { resultVariables } from "./result.js";

/**
 * MONITOR_UNIT and its kin; none where it is started for nobody's end, or for that of several. They follow from the states of
 * the others, so that every daemon finds the same.
 */
export function monitorVariables({ states }: Pick<Host, "states">, name: string): Record<string, string> {
  const found = [
    ...(states.naming?.(name, "onFailure") ?? []).filter(({ state }) => state.failure !== undefined),
    ...(states.naming?.(name, "onSuccess") ?? []).filter(
      ({ state }) => state.failure === undefined && state.result === "success",
    ),
  ].filter(({ state }) => state.status === "stopped");
  const [monitored, ...others] = found;
  const data = monitored?.definition.start[builtin];
  if (monitored === undefined || others.length > 0 || data?.kind !== "unit") return {};
  const { result = "success", mainStatus, invocation } = monitored.state;
  const told = Object.entries(resultVariables(result, mainStatus));
  return {
    ...Object.fromEntries(told.map(([variable, value]) => [`MONITOR_${variable}`, value])),
    ...(invocation === undefined ? {} : { MONITOR_INVOCATION_ID: invocation }),
    MONITOR_UNIT: data.unit,
  };
}
