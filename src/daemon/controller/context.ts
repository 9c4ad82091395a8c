// What a constructor or a destructor, built-in or the user's, is given of the service that it serves.

import type { StartContext } from "../constructors/host.js";
import type { Request } from "../request.js";
import type { Core } from "./core.js";

/** @param signal aborted when the start is cancelled */
export function contextOf(core: Core, request: Request, signal: AbortSignal): StartContext {
  return {
    name: core.name,
    attendant: core.builtinStart === undefined ? undefined : core.attendant,
    signal,
    say: (line) => request.say(line),
    spawn: (id, spec, step) => {
      const { status } = core.state;
      const isUnderWay = status === "starting" || status === "stopping";
      // A function may go on after its start is over: what it makes then is not the service's.
      return isUnderWay ? core.spawn(id, spec, step) : core.host.processes.spawn(id, spec, step);
    },
  };
}
