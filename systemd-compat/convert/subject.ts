// A unit that is to be converted: what it says, and what it is as a service.

import type { Relations, ServiceDefinition } from "../../src/daemon/definition/types.js";
import { unitOf } from "../../src/daemon/units/of-definition.js";
import type { UnitData } from "../../src/daemon/units/types.js";
import { printable } from "../diagnostics.js";
import { isNameOfSystemd } from "../translate/machine-units.js";
import { unitNameOf } from "../translate/service-names.js";
import { isMachinesEnd, isMilestone } from "../translate/standard-targets.js";
import type { ServiceUnit } from "../unit.js";
import type { UnitIndex } from "../unit-index.js";
import { type Classified, classifyUnit } from "../verify/classification.js";

/** Names of services, by the fields of a definition. */
export type RelationLists = Readonly<
  Partial<Record<"requirement" | Exclude<keyof Relations, "stopWhenUnneeded">, readonly string[]>>
>;

export interface Subject {
  readonly unit: ServiceUnit;
  readonly data: UnitData;
  readonly definition: ServiceDefinition;
  readonly relations: RelationLists;
  readonly classified: readonly Classified[];
}

/** Kinds of relations to services that must be there. */
const needed: ReadonlySet<string> = new Set(["requirement", "bindsTo", "requisite"]);

/** @param isThere whether a service is in the configuration, by its name */
export function subjectOf(
  unit: ServiceUnit,
  definition: ServiceDefinition,
  index: UnitIndex,
  isThere: (service: string) => boolean,
): Subject | undefined {
  const data = unitOf(definition);
  if (data?.kind !== "unit") return undefined;
  const { stopWhenUnneeded: _flag, ...lists } = definition.relations ?? {};
  const bound = new Set(lists.bindsTo);
  const all: RelationLists = {
    requirement: definition.requirement.filter((name) => !bound.has(name)),
    ...lists,
  };
  const relations = Object.fromEntries(
    Object.entries(all).flatMap(([kind, names]) => {
      const kept = names.filter((name) =>
        needed.has(kind) ? isThere(name) : isThere(name) || isMeaningful(unitNameOf(name), index),
      );
      return kept.length === 0 ? [] : [[kind, kept] as const];
    }),
  );
  return { unit, data, definition, relations, classified: classifyUnit(unit) };
}

/** Whether a unit may be a service somewhere, and is more than a milestone that is always reached. */
function isMeaningful(unit: string, index: UnitIndex): boolean {
  if (isMilestone(unit) || isMachinesEnd(unit) || isNameOfSystemd(unit)) return false;
  return index.entry(unit) !== undefined;
}

/** Of what is not applied as a whole: a line for each, with the assignment. */
export function shortcomingComments(classified: readonly Classified[]): readonly string[] {
  const lines = classified.flatMap((one) => {
    const { name, value } = one.assignment;
    const shown = value.length > longest ? `${value.slice(0, longest)}…` : value;
    return shortcomingText(one, `${name}=${shown}: `);
  });
  return [...new Set(lines)];
}

/** The same above a directive that all of them are of. */
export function ownComments(classified: readonly Classified[]): readonly string[] {
  return [...new Set(classified.flatMap((one) => shortcomingText(one, "")))];
}

/** Of a value in a comment. */
const longest = 60;

function shortcomingText({ treatment, why }: Classified, what: string): readonly string[] {
  if (treatment === "applied" || why === undefined) return [];
  return [printable(`${treatment === "partly" ? "Only in part" : "Not applied"}: ${what}${why}.`)];
}
