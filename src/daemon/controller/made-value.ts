// Running values that only a constructor makes: they are signalled, or shown, as what they say they are.

import { StartFailure } from "../constructors/host.js";
import { isSocketsValue } from "../constructors/sockets.js";
import { isSystemLogValue } from "../constructors/system-log.js";
import type { RunningValue } from "../definition/types.js";
import { isTimer } from "../timers/state.js";
import type { Core } from "./core.js";
import { isProcess } from "./running-value.js";

/** What such a value says it is; undefined for every other one. */
export function madeType(value: RunningValue): string | undefined {
  if (isProcess(value) || isSocketsValue(value) || isSystemLogValue(value) || isTimer(value))
    return value.type;
  return undefined;
}

/** The value that a start, or `resume`, has given; throws StartFailure where it claims to be made and is not. */
export function checked(core: Core, value: RunningValue): RunningValue {
  if (isProcess(value)) {
    const { processes } = core.host;
    const child = processes.get(value.id);
    if ((child ?? processes.recentEnd(value.id))?.pid !== value.pid)
      throw new StartFailure("the running value is a process that no constructor has made");
    return value;
  }
  const type = madeType(value);
  if (type !== undefined && core.builtinStart === undefined)
    throw new StartFailure(`the running value says that it is of type ${type}, which a constructor makes`);
  return value;
}
