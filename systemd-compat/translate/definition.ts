// One unit as the definition of a service: names, requirements, relations, limits, and the data of its start.

import { carrying } from "../../src/daemon/definition/as-data.js";
import type { CgroupOptions } from "../../src/daemon/definition/cgroup-options.js";
import { isName, longestDuration } from "../../src/daemon/definition/fields.js";
import { mostRespawns } from "../../src/daemon/definition/limits.js";
import { service } from "../../src/daemon/definition/service.js";
import type { Constructor, RespawnLimit, ServiceDefinition } from "../../src/daemon/definition/types.js";
import { unitActions } from "../../src/daemon/units/actions.js";
import { cgroupOptions } from "../../src/daemon/units/execution/cgroup.js";
import type { AnyUnitData } from "../../src/daemon/units/types.js";
import type { UnitSettings } from "../directives.js";
import type { Unit } from "../unit.js";
import { serviceType } from "../unit-checks.js";
import type { DependencyKind, UnitDependencies } from "./dependencies.js";

export interface DefinitionParts {
  readonly unit: Unit;
  /** What the start does. */
  readonly data: AnyUnitData;
  /** Names of services; the first is the one that it is known by. */
  readonly provision: readonly string[];
  /** By full names of units. */
  readonly dependencies: UnitDependencies;
  /** The service that a unit is. */
  serviceOf(unit: string): string;
  readonly autoStart: boolean;
}

/** systemd's defaults. */
const defaults = { burst: 5, interval: 10, respawnDelay: 0.1 } as const;

export function definitionOfUnit(parts: DefinitionParts): ServiceDefinition {
  const { unit, data, provision, dependencies, serviceOf, autoStart } = parts;
  // A name that is too long for a service is nobody's.
  const names = (kind: DependencyKind): string[] => {
    const services = [...dependencies[kind]]
      .map(serviceOf)
      .filter((name) => !provision.includes(name) && isName(name));
    return [...new Set(services)].sort();
  };
  const isService = unit.type === "service" && data.kind === "unit" && data.refused === undefined;
  return service(provision, {
    documentation: documentationOf(unit),
    requirement: names("requires"),
    wants: names("wants"),
    after: names("after"),
    before: names("before"),
    requisite: names("requisite"),
    bindsTo: names("bindsTo"),
    partOf: names("partOf"),
    conflicts: names("conflicts"),
    onFailure: names("onFailure"),
    onSuccess: names("onSuccess"),
    upholds: names("upholds"),
    propagatesReloadTo: names("propagatesReloadTo"),
    propagatesStopTo: names("propagatesStopTo"),
    stopWhenUnneeded: unit.unit.StopWhenUnneeded ?? false,
    autoStart,
    respawnLimit: respawnLimitOf(unit.unit),
    // What calls these reads the data that they carry.
    start: carrying(data) as Constructor,
    stop: carrying({ kind: "unit" } as const),
    ...(isService ? { ...serviceOptions(unit), actions: unitActions(provision[0] ?? "", data) } : {}),
  });
}

function serviceOptions({ service: settings }: Extract<Unit, { type: "service" }>) {
  const { Restart = "no", RestartForceExitStatus: forced, RestartSec = defaults.respawnDelay } = settings;
  const limits: CgroupOptions | undefined = cgroupOptions(settings);
  return {
    oneShot: serviceType(settings) === "oneshot" && settings.RemainAfterExit !== true,
    respawn: Restart !== "no" || (forced?.codes.length ?? 0) + (forced?.signals.length ?? 0) > 0,
    respawnDelay: Math.min(RestartSec, longestDuration),
    ...(limits === undefined ? {} : { cgroup: limits }),
  };
}

function respawnLimitOf({ StartLimitBurst, StartLimitIntervalSec }: UnitSettings): RespawnLimit | false {
  const times = StartLimitBurst ?? defaults.burst;
  const seconds = StartLimitIntervalSec ?? defaults.interval;
  if (times === 0 || seconds === 0) return false;
  return { times: Math.min(times, mostRespawns), seconds: Math.min(seconds, longestDuration) };
}

function documentationOf({ name, unit, fragment, dropIns }: Unit): string {
  const files = [...(fragment === undefined ? [] : [fragment]), ...dropIns];
  return [unit.Description ?? name.full, ...(unit.Documentation ?? []), ...files]
    .join("\n")
    .replaceAll("\0", "");
}
