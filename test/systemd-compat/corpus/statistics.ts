// What becomes of the directives of many units: counts by section, the units that are applied as a whole in all that they do,
// and what is missing most often; as numbers and as a table.

import type { SectionName } from "../../../systemd-compat/directives.js";
import type { Unit } from "../../../systemd-compat/unit.js";
import {
  classifyUnit,
  countTreatments,
  type Treatment,
  treatments,
} from "../../../systemd-compat/verify/classification.js";

export interface Statistics {
  readonly units: number;
  /** Those of them that can be used. */
  readonly usable: number;
  /** Assignments, by section and by what becomes of them. */
  readonly sections: ReadonlyMap<string, Readonly<Record<Treatment, number>>>;
  /** Units by type: how many there are, and in how many of them every directive that works towards something is applied. */
  readonly types: ReadonlyMap<string, { readonly all: number; readonly whole: number }>;
  /** The assignments that are not applied as a whole, by directive, the most frequent first. */
  readonly missing: readonly Missing[];
}

export interface Missing {
  readonly directive: string;
  readonly count: number;
  readonly effect: string;
  readonly treatment: Treatment;
  readonly why: string;
}

export function statisticsOf(units: readonly Unit[]): Statistics {
  const bySection = new Map<string, ReturnType<typeof classifyUnit>[number][]>();
  const types = new Map<string, { all: number; whole: number }>();
  const missing = new Map<string, Missing>();
  for (const unit of units) {
    const classified = classifyUnit(unit);
    const isWhole = classified.every(
      ({ treatment, effect }) => treatment === "applied" || (effect !== "F" && treatment !== "unknown"),
    );
    for (const kind of kindsOf(unit)) {
      const { all, whole } = types.get(kind) ?? { all: 0, whole: 0 };
      types.set(kind, { all: all + 1, whole: whole + (isWhole ? 1 : 0) });
    }
    for (const one of classified) {
      const { assignment, treatment, effect, why = "" } = one;
      const section: SectionName | string = assignment.section;
      bySection.set(section, [...(bySection.get(section) ?? []), one]);
      if (treatment === "applied") continue;
      const directive = `${section}.${assignment.name}`;
      const count = (missing.get(directive)?.count ?? 0) + 1;
      missing.set(directive, { directive, count, effect, treatment, why });
    }
  }
  return {
    units: units.length,
    usable: units.filter(({ state }) => state === "loaded").length,
    sections: new Map([...bySection].map(([section, list]) => [section, countTreatments(list)])),
    types,
    missing: [...missing.values()].sort((one, other) => other.count - one.count),
  };
}

/** Services of an early boot, which a machine has and a container has not, are also told apart. */
export const lateServices = "service, no early boot";

function kindsOf(unit: Unit): readonly string[] {
  const isLate = unit.type === "service" && unit.unit.DefaultDependencies !== false;
  return isLate ? [unit.type, lateServices] : [unit.type];
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** @param most how many of the directives that are not applied are shown */
export function statisticsText({ units, usable, sections, types, missing }: Statistics, most = 20): string {
  const total = { applied: 0, partly: 0, ignored: 0, unknown: 0 };
  for (const counts of sections.values())
    for (const treatment of treatments) total[treatment] += counts[treatment];
  const rows = [...sections, ["all", total] as const].map(([section, counts]) => {
    const all = treatments.reduce((sum, treatment) => sum + counts[treatment], 0);
    const cells = treatments.map((treatment) => String(counts[treatment]));
    return [section, String(all), ...cells, share(counts.applied, all)];
  });
  const kinds = [...types].map(([type, { all, whole }]) => [
    type,
    String(all),
    String(whole),
    share(whole, all),
  ]);
  const sum = [...types]
    .flatMap(([kind, counts]) => (kind === lateServices ? [] : [counts]))
    .reduce((one, { all, whole }) => ({ all: one.all + all, whole: one.whole + whole }), {
      all: 0,
      whole: 0,
    });
  return [
    `${units} of ${units} units read, ${usable} of them can be used.`,
    "",
    table(["section", "assignments", ...treatments, "applied"], rows),
    "Units of which every directive with an effect on function is applied:",
    "",
    table(
      ["type", "units", "whole", "share"],
      [...kinds, ["all", String(sum.all), String(sum.whole), share(sum.whole, sum.all)]],
    ),
    "Most often not applied as a whole (effect: F function, S safety, R resources, N none):",
    "",
    table(
      ["directive", "times", "effect", "what", "why"],
      missing
        .slice(0, most)
        .map(({ directive, count, effect, treatment, why }) => [
          directive,
          String(count),
          effect,
          treatment,
          why,
        ]),
    ),
  ].join("\n");
}

/** Columns of the same width; numbers are on the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        /^[\d.]+(?: %)?$/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return `${[head, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n")}\n`;
}
