// What becomes of each assignment of a unit: whether the directive has its effect here, and if not, why.

import type { NotApplied } from "../../src/daemon/units/types.js";
import type { Position } from "../diagnostics.js";
import type { Directive, Effect, SectionName } from "../directives.js";
import type { JudgedAssignment } from "../settings.js";
import type { Unit } from "../unit.js";
import { shortcomingWith } from "./shortcomings.js";

/** `ignored`: it has no effect. `unknown`: there is no such directive. */
export type Treatment = "applied" | "partly" | "ignored" | "unknown";

export const treatments: readonly Treatment[] = ["applied", "partly", "ignored", "unknown"];

export interface Classified {
  readonly assignment: JudgedAssignment;
  readonly treatment: Treatment;
  /** Where it is not applied as a whole. */
  readonly why?: string;
  /** What would be lost without it: function, safety, resources, nothing. Of an unknown one nobody knows. */
  readonly effect: Effect;
  /** What must be there for it to be applied; the start of a unit finds out whether it is. */
  readonly depends?: Dependence;
}

export type Dependence = "kernel" | "cgroups";

export function classify(assignment: JudgedAssignment): Classified {
  const { outcome, found, value } = assignment;
  if (outcome === "unknown" || found === undefined)
    return { assignment, treatment: "unknown", why: "there is no such directive", effect: "N" };
  const { effect } = found.directive;
  if (outcome === "ignored")
    return { assignment, treatment: "ignored", why: "its value is none that it can have", effect };
  const shortcoming = shortcomingWith(found.section, found.name, value);
  if (shortcoming === undefined) {
    const depends = value === "" ? undefined : dependenceOf(found.section, found.directive);
    return { assignment, treatment: "applied", effect, ...(depends === undefined ? {} : { depends }) };
  }
  const { extent, why } = shortcoming;
  return { assignment, treatment: extent === "not" ? "ignored" : "partly", why, effect };
}

/** What the directive needs besides us. */
export function dependenceOf(section: SectionName, { policy, effect }: Directive): Dependence | undefined {
  if (policy !== "C" || (section !== "Service" && section !== "Socket")) return undefined;
  return effect === "R" ? "cgroups" : "kernel";
}

export function classifyUnit({ assignments, diagnostics }: Judged): readonly Classified[] {
  const warnings = new Map(
    diagnostics.flatMap((one) => (one.severity === "warning" ? [[placeOf(one), one.what] as const] : [])),
  );
  return assignments.map((assignment) => {
    const classified = classify(assignment);
    const warning = warnings.get(placeOf(assignment));
    // A part of its value is none.
    return warning === undefined || classified.treatment !== "applied"
      ? classified
      : { assignment, treatment: "partly", why: warning, effect: classified.effect };
  });
}

type Judged = Pick<Unit, "assignments" | "diagnostics">;

const placeOf = ({ file, line }: Position): string => `${line} ${file}`;

/** Whether the unit is less without it: in what it does, or in how it is confined. */
export function matters({ treatment, effect }: Classified): boolean {
  return treatment !== "applied" && (treatment === "unknown" || effect === "F" || effect === "S");
}

export type Counts = Readonly<Record<Treatment, number>>;

export function countTreatments(list: readonly Classified[]): Counts {
  const counts = { applied: 0, partly: 0, ignored: 0, unknown: 0 };
  for (const { treatment } of list) counts[treatment] += 1;
  return counts;
}

/**
 * The unit's directives that are not, or only partly, applied, each once with each reason, in the order of the unit. What
 * depends on the kernel is not among them: that is found out when the unit is started.
 */
export function notAppliedOf(unit: Judged): readonly NotApplied[] {
  const told = new Set<string>();
  return classifyUnit(unit).flatMap((classified): NotApplied[] => {
    const { assignment, treatment, why } = classified;
    if (why === undefined) return [];
    const { name: directive, file, line } = assignment;
    const key = `${directive}=${why}`;
    if (told.has(key)) return [];
    told.add(key);
    const extent = treatment === "partly" ? "partly" : "not";
    return [{ directive, extent, why, file, line, ...(matters(classified) ? {} : { harmless: true }) }];
  });
}
