// The units that converted ones need and that are not converted themselves: they stay units.

import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { UnitLoader, type UnitPlaces } from "../translate/loader.js";
import { reservedNames, unitNameOf } from "../translate/service-names.js";
import { translateUnits } from "../translate/translate.js";
import type { Unit } from "../unit.js";

export interface Others {
  /** What `systemdUnits` is asked for: full names. */
  readonly units: readonly string[];
  /** All services that it gives then, by all of their names. */
  readonly services: ReadonlySet<string>;
  /** By the converted units that want them: comments on those that cannot be there beside the converted ones. */
  readonly left: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param converted those that are to be converted
 * @param definitions all that they are translated to
 */
export async function othersOf(
  converted: readonly Unit[],
  definitions: ReadonlyMap<string, ServiceDefinition>,
  places: UnitPlaces,
): Promise<Others> {
  const own = new Set(converted.map(({ name }) => name.full));
  const ownServices = new Set([...own].flatMap((full) => definitions.get(full)?.provision ?? []));
  const units = new Set<string>();
  const services = new Set<string>();
  const left = new Map<string, readonly string[]>();
  for (const { name, type } of converted) {
    const definition = definitions.get(name.full);
    if (definition === undefined || type !== "service") continue;
    for (const service of wantedBy(definition)) {
      const unit = unitNameOf(service);
      if (ownServices.has(service) || places.index.entry(unit)?.kind === "masked") continue;
      const along = await servicesOf(unit, new UnitLoader(places));
      if (along.some((one) => ownServices.has(one)))
        left.set(name.full, [
          ...(left.get(name.full) ?? []),
          `${unit} would bring the unit itself along, and is left out: take both by systemdUnits, or convert both.`,
        ]);
      else {
        units.add(unit);
        for (const one of along) services.add(one);
      }
    }
  }
  return { units: [...units].sort(), services, left };
}

/** Services that are to be there, so that this one can be started with all that it wants. */
function wantedBy({ requirement, relations = {} }: ServiceDefinition): readonly string[] {
  return [...new Set([...requirement, ...(relations.wants ?? []), ...(relations.upholds ?? [])])];
}

async function servicesOf(unit: string, loader: UnitLoader): Promise<readonly string[]> {
  const { definitions } = await translateUnits(loader, {
    asked: [unit],
    boots: false,
    strict: false,
    known: new Map(),
    reserved: reservedNames,
  });
  return [...definitions.values()].flatMap(({ provision }) => provision);
}
