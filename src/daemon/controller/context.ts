// What a constructor or a destructor, built-in or the user's, is given of the service that it serves.

import type { StartContext } from "../constructors/host.js";
import type { Request } from "../request.js";
import { decode } from "../units/encoded.js";
import type { UnitRun } from "../units/run.js";
import { asService } from "../units/socket-as-service.js";
import type { UnitData } from "../units/types.js";
import type { Core } from "./core.js";

/** @param signal gives what is aborted when the start is cancelled; few ask */
export function contextOf(core: Core, request: Request, signal: () => AbortSignal): StartContext {
  const unit = unitRun(core) ?? socketRun(core);
  return {
    name: core.name,
    ...(unit === undefined ? {} : { unit }),
    attendant: core.builtinStart === undefined ? undefined : core.attendant,
    get signal() {
      return signal();
    },
    say: (line) => request.say(line),
    spawn: (id, spec, step) => {
      const { status } = core.state;
      const isUnderWay = status === "starting" || status === "stopping";
      // A function may go on after its start is over: what it makes then is not the service's.
      return isUnderWay ? core.spawn(id, spec, step) : core.host.processes.spawn(id, spec, step);
    },
  };
}

/** The service as the parts of a unit see it; undefined where it is none. */
export function unitRun(core: Core): UnitRun | undefined {
  const data = core.builtinStart;
  return data?.kind === "unit" ? runOf(core, data) : undefined;
}

/** A socket unit has commands of its own. */
function socketRun(core: Core): UnitRun | undefined {
  const data = core.builtinStart;
  return data?.kind === "unit-socket" ? runOf(core, asService(data)) : undefined;
}

function runOf(core: Core, data: UnitData): UnitRun {
  const { host, name, attendant, log, dispatch } = core;
  return {
    host,
    name,
    data,
    service: decode(data.service),
    attendant,
    get state() {
      return core.state;
    },
    dispatch,
    log,
    spawn: (id, spec, step, made) => core.spawn(id, spec, step, made),
    follow: (child) => core.follow(child),
  };
}
