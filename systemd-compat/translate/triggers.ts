// Which unit a socket, a timer or a path starts, by its settings or by its name.

import { isInstance, type UnitName, withInstance, withType } from "../names.js";
import type { PathUnit, SocketUnit, TimerUnit, Unit } from "../unit.js";

export type TriggerUnit = SocketUnit | TimerUnit | PathUnit;

export function isTrigger(unit: Unit): unit is TriggerUnit {
  return unit.type === "socket" || unit.type === "timer" || unit.type === "path";
}

/** The full name of the unit that it starts; of a socket with `Accept=yes` the template's, such as `sshd@.service`. */
export function triggeredUnit(unit: TriggerUnit): string {
  switch (unit.type) {
    case "timer":
      return unit.timer.Unit ?? withType(unit.name, "service").full;
    case "path":
      return unit.path.Unit ?? withType(unit.name, "service").full;
    case "socket":
      if (unit.socket.Accept === true) return connectionTemplate(unit.name).full;
      return unit.socket.Service ?? withType(unit.name, "service").full;
  }
}

/** The template of the services of a socket's connections. An instance's is that of its own prefix. */
function connectionTemplate(name: UnitName): UnitName {
  const service = withType(name, "service");
  return isInstance(name) ? withInstance(service, "") : { ...withInstance(service, ""), instance: "" };
}
