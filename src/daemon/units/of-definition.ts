// Whether a service is a systemd unit, and which.

import { dataOf } from "../definition/as-data.js";
import { builtin, type ServiceDefinition } from "../definition/types.js";
import type { AnyUnitData } from "./types.js";

/** The data of the unit that a service is; undefined for any other service. */
export function unitOf({ start }: ServiceDefinition): AnyUnitData | undefined {
  const data = start[builtin];
  switch (data?.kind) {
    case "unit":
    case "unit-socket":
    case "unit-timer":
    case "unit-path":
      return data;
    default:
      return undefined;
  }
}

/** Whether a unit that runs by the one definition would be no other by the other: it differs in its relations at most. */
export function runsAlike(one: ServiceDefinition, other: ServiceDefinition): boolean {
  const ofOne = unitOf(one);
  if (ofOne === undefined || unitOf(other) === undefined) return false;
  return withoutRelations(one) === withoutRelations(other);
}

function withoutRelations(definition: ServiceDefinition): string {
  const { relations: _, documentation: _d, autoStart: _a, ...rest } = dataOf(definition);
  return JSON.stringify(rest);
}

/** Whether two definitions are the same in all that is data, which of a unit is everything. */
export function isSameUnit(one: ServiceDefinition, other: ServiceDefinition): boolean {
  return JSON.stringify(dataOf(one)) === JSON.stringify(dataOf(other));
}
