// Units that are in force, and the same units as their files, or the notes of them, have them.

import type { DefinitionData } from "../definition/as-data.js";
import { definitionOf } from "../definition/as-data.js";
import type { ServiceDefinition } from "../definition/types.js";
import type { Registry } from "../registry/registry.js";
import { isSameUnit, runsAlike, unitOf } from "./of-definition.js";

/** What differs from what is in force. */
export interface Renewal {
  readonly changed: readonly ServiceDefinition[];
  /** What becomes of it, in words. */
  readonly lines: readonly string[];
}

export function renewalOf(registry: Registry, definitions: readonly ServiceDefinition[]): Renewal {
  const changed: ServiceDefinition[] = [];
  const lines: string[] = [];
  for (const definition of definitions) {
    const [name] = definition.provision;
    const holder = registry.find(name);
    if (holder !== undefined && isSameUnit(holder.replacement ?? holder.definition, definition)) continue;
    changed.push(definition);
    if (holder === undefined) lines.push(`${name}: new`);
    else if (holder.state.status === "stopped" || runsAlike(holder.definition, definition))
      lines.push(`${name}: changed`);
    else lines.push(`${name}: changed, in force when it is started next`);
  }
  return { changed, lines };
}

/**
 * Unit files may have changed since they were read, which is no reason that what is in force does: units are taken from
 * what is noted of them. One that runs by an older definition, and is registered with that already, gets the newer one.
 */
export function asNoted(
  registry: Registry,
  noted: ReadonlyMap<string, DefinitionData>,
  services: readonly ServiceDefinition[],
): readonly ServiceDefinition[] {
  return services.map((definition) => {
    const [name] = definition.provision;
    const data = unitOf(definition) === undefined ? undefined : noted.get(name);
    if (data === undefined || registry.find(name) !== undefined) return definition;
    return definitionOf(data, "which a unit's never is");
  });
}
