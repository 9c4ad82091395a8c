// The names that a unit has as a service: without `.service`, and without what names of services cannot hold.

import { isName } from "../../src/daemon/definition/fields.js";
import { parseUnitName, stemOf } from "../names.js";

/** Names that no unit gives a service, since they are the supervisor's own. */
export const reservedNames: readonly string[] = ["root", "shepherd", "main", "systemd"];

/** The suffix that may be left out. */
const usualSuffix = ".service";

/**
 * The name of the service that a unit is: `nginx` for `nginx.service`, any other unit's own name. A backslash, and a dash at
 * the beginning, which names of services do not have, become `%` and `%-`; no name of a unit has a percent sign.
 */
export function serviceNameOf(unit: string): string {
  return toServiceName(unit.endsWith(usualSuffix) ? unit.slice(0, -usualSuffix.length) : unit);
}

/** The unit that a service of this name is: the other way round. */
export function unitNameOf(service: string): string {
  const name = service.replace(/^%-/, "-").replaceAll("%", "\\");
  return parseUnitName(name) === undefined ? `${name}${usualSuffix}` : name;
}

function toServiceName(name: string): string {
  return name.replace(/^-/, "%-").replaceAll("\\", "%");
}

/**
 * All names of units as services, each name given once: first the one that a unit is known by, then its full name, then its
 * aliases. A name that would be another unit's is left out, as is one that is too long.
 *
 * @param units the full names of the units and their aliases
 * @param reserved names that are somebody else's
 */
export function provisions(
  units: readonly { readonly full: string; readonly aliases: readonly string[] }[],
  reserved: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>(units.map(({ full }) => [full, []]));
  const taken = new Set(reserved);
  const give = (full: string, name: string): void => {
    if (taken.has(name) || !isName(name)) return;
    taken.add(name);
    names.get(full)?.push(name);
  };
  for (const { full } of units) give(full, serviceNameOf(full));
  for (const { full } of units) give(full, toServiceName(full));
  for (const { full, aliases } of units) for (const alias of aliases) give(full, serviceNameOf(alias));
  for (const { full, aliases } of units) for (const alias of aliases) give(full, toServiceName(alias));
  return names;
}

/** A name for messages. */
export function shortName(unit: string): string {
  const name = parseUnitName(unit);
  return name?.type === "service" ? stemOf(name) : unit;
}
