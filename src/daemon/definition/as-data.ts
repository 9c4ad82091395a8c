// A definition as JSON, which the keeper keeps: from it a service can be controlled where the module that defined it is
// not evaluated (rescue mode), cannot be read any more, or never was (what ran inside the daemon registered it).

import { timerTriggerAction } from "../timers/trigger.js";
import { unitActions } from "../units/actions.js";
import { type BuiltinStart, type BuiltinStop, builtin, type ServiceDefinition } from "./types.js";

/** What of a definition is data; `start` and `stop` are undefined where they are functions. */
export interface DefinitionData
  extends Omit<
    ServiceDefinition,
    "start" | "stop" | "actions" | "resume" | "terminationHandler" | "position"
  > {
  readonly start?: BuiltinStart;
  readonly stop?: BuiltinStop;
}

export function dataOf(definition: ServiceDefinition): DefinitionData {
  const { start, stop, actions: _a, resume: _r, terminationHandler: _t, position: _p, ...rest } = definition;
  const data = { start: start[builtin], stop: stop[builtin] };
  return {
    ...rest,
    ...(data.start === undefined ? {} : { start: data.start }),
    ...(data.stop === undefined ? {} : { stop: data.stop }),
  };
}

const usualStop = { kind: "kill", signal: 15, gracePeriod: 5 } as const satisfies BuiltinStop;

/**
 * A definition that can do what is data: its functions are not there, and its own actions neither.
 * @param why completes "its start is a function, ..."
 */
export function definitionOf({ start, stop, ...rest }: DefinitionData, why: string): ServiceDefinition {
  return {
    ...rest,
    retryable: false,
    start:
      start === undefined
        ? () => {
            throw new Error(`its start is a function, ${why}`);
          }
        : carrying(start),
    stop: carrying(stop ?? usualStop),
    actions: actionsOf(rest.provision[0], start),
  };
}

/** Those that a service has for what its start is. */
function actionsOf(name: string, start: BuiltinStart | undefined): ServiceDefinition["actions"] {
  if (start?.kind === "timer") return [timerTriggerAction];
  return start?.kind === "unit" ? unitActions(name, start) : [];
}

/** A constructor or destructor that is run by its data and never called. */
export function carrying<D>(data: D): (() => never) & { readonly [builtin]: D } {
  const call = (): never => {
    throw new Error("a built-in constructor of the supervisor's own cannot be called");
  };
  return Object.assign(call, { [builtin]: data });
}
