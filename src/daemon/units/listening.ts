// A socket unit with Accept=no that runs: while its service is down, whatever comes in at one of its sockets starts it.

import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { Attendance, Host, RunningContext } from "../constructors/host.js";
import { isStartable } from "./down.js";
import { decode } from "./encoded.js";
import { listenerNames } from "./socket-listeners.js";
import { startLimitOf, TriggerLimit } from "./trigger-limit.js";
import { startTriggered } from "./triggered.js";
import type { UnitSocketData } from "./types.js";

/** systemd's defaults. */
const defaults = { burst: 20, seconds: 2 } as const;

/**
 * Which sockets are watched follows from the service's state alone, and what came in waits in the socket until the service
 * takes it: a next daemon finds all as it was.
 */
export function attendListening(host: Host, context: RunningContext, data: UnitSocketData): Attendance {
  const { name } = context;
  const service = serviceNameOf(data.service);
  const sockets = listenerNames(name, data);
  const { TriggerLimitBurst, TriggerLimitIntervalSec } = decode(data.socket);
  const limit = new TriggerLimit({
    burst: TriggerLimitBurst ?? defaults.burst,
    seconds: TriggerLimitIntervalSec ?? defaults.seconds,
  });
  const starts = startLimitOf(host.states, service);
  let isOver = false;
  let isStarting = false;

  const update = (): void => {
    if (!isOver && !isStarting && isStartable(host.states, service))
      for (const socket of sockets) host.readables.watch(socket, trigger);
    else for (const socket of sockets) host.readables.unwatch(socket);
  };
  const trigger = (): void => {
    if (isOver || isStarting) return;
    if (!limit.take() || !starts.take()) {
      context.failed(`its sockets have started service ${service} too often within a short time`);
      return;
    }
    isStarting = true;
    // One step with the note that the start is wanted: the next daemon goes on with it.
    host.outbox.together(() => {
      update();
      context.log(`Socket '${name}' starts service ${service}.`);
      startTriggered(host, service, `socket ${name}`, () => {
        isStarting = false;
        update();
      });
    });
  };
  const forget = host.states.watch(service, update);
  update();
  return {
    close: () => {
      isOver = true;
      forget();
      update();
    },
  };
}
