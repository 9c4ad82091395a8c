// Which units are the machine's business and not that of a supervisor of services: systemd's own programs for an early
// boot, devices, mounts. Unless somebody asks for one by its name, they count as done.

import type { ServiceSettings } from "../directives.js";
import type { UnitType } from "../names.js";
import type { Unit } from "../unit.js";

/** Types of units of which there is nothing to do. */
export function hasNothingToDo(type: UnitType): boolean {
  return type === "slice" || type === "scope";
}

/** Types of units that are looked at, but not brought about: a wish for one is passed over. */
export function isLookedAt(type: UnitType): boolean {
  return type === "mount" || type === "automount" || type === "swap" || type === "device";
}

/** Units of systemd's package by their names, whether or not it is installed. */
export function isNameOfSystemd(name: string): boolean {
  return /^(?:systemd-|initrd-|kmod-static-nodes\.|modprobe@|quotaon\.|rc-local\.|debug-shell\.|ldconfig\.)/.test(
    name,
  );
}

const commands: readonly (keyof ServiceSettings)[] = ["ExecStart", "ExecStartPre", "ExecStop"];

/** systemd's own programs, and those that set up devices, modules and file systems of a machine. */
const machineProgram =
  /^(?:\/usr)?(?:\/lib\/systemd\/systemd(?:-|$)|\/s?bin\/(?:systemd-|udevadm$|modprobe$|kmod$|(?:u?mount|swapon|swapoff|fsck|quotaon)$)|\/lib\/systemd\/(?:systemd-|system-generators\/))/;

/** Whether a service does nothing but run such programs. */
function runsMachinePrograms(service: ServiceSettings): boolean {
  const paths = commands.flatMap((name) => {
    const list = service[name] as ServiceSettings["ExecStart"];
    return (list ?? []).map(({ path }) => path);
  });
  return paths.length > 0 && paths.every((path) => machineProgram.test(path));
}

/**
 * Whether a unit is systemd's own or sets up the machine.
 * @param started the unit that it starts, where it is a socket, a timer or a path
 */
export function isMachineUnit(unit: Unit, started: Unit | undefined): boolean {
  if (unit.type === "service") {
    if (unit.state === "not-found") return isNameOfSystemd(unit.name.full);
    return isNameOfSystemd(unit.name.full) || runsMachinePrograms(unit.service);
  }
  if (unit.type === "socket" || unit.type === "timer" || unit.type === "path")
    return isNameOfSystemd(unit.name.full) || (started !== undefined && isMachineUnit(started, undefined));
  return unit.type === "target" && isNameOfSystemd(unit.name.full);
}
