// What a unit has to do with others, by what it says, by links, and by what its type implies: names of units, each kind of
// dependency apart from order, as systemd has it.

import type { Unit } from "../unit.js";
import { serviceType } from "../unit-checks.js";
import type { Dependencies } from "./context.js";
import { isTrigger, triggeredUnit } from "./triggers.js";

/** All kinds, each a set of full names. */
export const dependencyKinds = [
  "requires",
  "requisite",
  "bindsTo",
  "wants",
  "upholds",
  "after",
  "before",
  "conflicts",
  "partOf",
  "onFailure",
  "onSuccess",
  "propagatesReloadTo",
  "propagatesStopTo",
] as const;
export type DependencyKind = (typeof dependencyKinds)[number];
export type UnitDependencies = Readonly<Record<DependencyKind, Set<string>>>;

/** What a unit says of others that these do to it. */
export interface InverseDependencies {
  readonly reloadPropagatedFrom: readonly string[];
  readonly stopPropagatedFrom: readonly string[];
}

export function noDependencies(): UnitDependencies {
  return Object.fromEntries(dependencyKinds.map((kind) => [kind, new Set<string>()])) as UnitDependencies;
}

/** What the unit says, with links in directories for it. */
export function statedDependencies(unit: Unit): UnitDependencies {
  const { unit: settings, wants, requires } = unit;
  const sockets = unit.type === "service" ? (unit.service.Sockets ?? []) : [];
  const all = {
    ...noDependencies(),
    requires: new Set([...(settings.Requires ?? []), ...requires.map(({ name }) => name)]),
    requisite: new Set(settings.Requisite),
    bindsTo: new Set(settings.BindsTo),
    wants: new Set([...(settings.Wants ?? []), ...wants.map(({ name }) => name), ...sockets]),
    upholds: new Set(settings.Upholds),
    after: new Set([...(settings.After ?? []), ...sockets]),
    before: new Set(settings.Before),
    conflicts: new Set(settings.Conflicts),
    partOf: new Set(settings.PartOf),
    onFailure: new Set(settings.OnFailure),
    onSuccess: new Set(settings.OnSuccess),
    propagatesReloadTo: new Set(settings.PropagatesReloadTo),
    propagatesStopTo: new Set(settings.PropagatesStopTo),
  };
  // Nothing depends on itself, whatever it says.
  for (const names of Object.values(all)) names.delete(unit.name.full);
  // Everything stops when the system goes down, in order: no unit need say so.
  for (const kind of ["before", "conflicts"] as const) all[kind].delete("shutdown.target");
  return all;
}

export function inverseDependencies({ unit }: Unit): InverseDependencies {
  return {
    reloadPropagatedFrom: unit.ReloadPropagatedFrom ?? [],
    stopPropagatedFrom: unit.StopPropagatedFrom ?? [],
  };
}

/** Whether the defaults of its type are the unit's. */
export function hasDefaults({ unit }: Unit): boolean {
  return unit.DefaultDependencies !== false;
}

const early = ["sysinit.target"];

/** What the unit's type and settings imply, but for the order of targets after what they consist of. */
export function impliedDependencies(unit: Unit): Dependencies {
  const bus = usesBus(unit) ? ["dbus.socket"] : [];
  const started = isTrigger(unit) ? [triggeredUnit(unit)] : [];
  const always = { requires: bus, after: bus, before: started };
  if (!hasDefaults(unit)) return always;
  switch (unit.type) {
    case "service":
      return { requires: [...early, ...bus], after: [...early, "basic.target", ...bus] };
    case "socket":
      return { requires: early, after: early, before: [...started, "sockets.target"] };
    case "path":
      return { requires: early, after: early, before: [...started, "paths.target"] };
    case "timer": {
      const isCalendar = (unit.timer.Elapse ?? []).some(({ base }) => base === "calendar");
      const clock = isCalendar ? ["time-set.target", "time-sync.target"] : [];
      return { requires: early, after: [...early, ...clock], before: [...started, "timers.target"] };
    }
    default:
      return always;
  }
}

/** Whether it has a name on the message bus, and so needs the bus. */
function usesBus(unit: Unit): boolean {
  return (
    unit.type === "service" && (serviceType(unit.service) === "dbus" || unit.service.BusName !== undefined)
  );
}

/** Adds what is implied to what is stated. */
export function addDependencies(to: UnitDependencies, implied: Dependencies): void {
  for (const [kind, names] of Object.entries(implied) as [keyof Dependencies, readonly string[]][])
    for (const name of names) to[kind].add(name);
}
