// What was found out about a unit, as text for people and as JSON for programs.

import { type Diagnostic, formatDiagnostic, printable } from "../diagnostics.js";
import { isTemplate, stemOf } from "../names.js";
import type { AssignmentOutcome } from "../settings.js";
import type { Unit } from "../unit.js";
import { type Classified, type Counts, countTreatments, type Dependence, matters } from "./classification.js";
import type { UnmetCondition } from "./unmet-conditions.js";
import type { Verification } from "./verification.js";

/**
 * Several lines, each with its end: the files, what is wrong, what is not applied, and a summary.
 * @param strict whether the summary says that too little of the unit is applied
 */
export function verificationText(verification: Verification, strict: boolean): string {
  const { unit, diagnostics, unmet = [], classified } = verification;
  const aliases = unit.aliases.length === 0 ? "" : `, also ${unit.aliases.join(", ")}`;
  const found = [
    ...filesOf(unit).map((file) => `  ${printable(file)}`),
    ...dependenceLines(unit, classified),
    ...diagnostics.map(formatDiagnostic),
    ...classified.flatMap((one) => shortcomingText(one, diagnostics)),
    ...unmet.map(unmetText),
  ];
  // The summary has the name as well.
  const head = found.length === 0 && aliases === "" ? [] : [`${unit.name.full}${aliases}`];
  const lines = [...head, ...found, summaryText(verification, strict)];
  return lines.map((line) => `${line}\n`).join("");
}

function filesOf({ fragment, dropIns }: Unit): readonly string[] {
  return [...(fragment === undefined ? [] : [fragment]), ...dropIns];
}

const dependences: Readonly<Record<Dependence, string>> = {
  kernel: "where the kernel lets us",
  cgroups: "where there are cgroups",
};

/** What is applied only where something else than we allows it: that is seen when the unit runs. */
function dependenceLines({ name }: Unit, classified: readonly Classified[]): readonly string[] {
  const lines = (Object.keys(dependences) as Dependence[]).flatMap((dependence) => {
    const directives = classified.flatMap(({ assignment, depends }) =>
      depends === dependence ? [assignment.name] : [],
    );
    return directives.length === 0
      ? []
      : [`  ${dependences[dependence]}: ${[...new Set(directives)].join(", ")}`];
  });
  const service = name.type === "service" ? stemOf(name) : name.full;
  return lines.length === 0 || isTemplate(name)
    ? lines
    : [...lines, printable(`  'herd status ${service}' tells what of that is so while it runs`)];
}

/** What is no directive, or no value of one, was told with all else that is wrong. */
function shortcomingText(
  { assignment, treatment, why = "" }: Classified,
  diagnostics: readonly Diagnostic[],
): readonly string[] {
  const { file, line, name, outcome } = assignment;
  const isTold = diagnostics.some((one) => one.what === why && one.line === line && one.file === file);
  if (treatment === "applied" || outcome !== "used" || isTold) return [];
  const extent = treatment === "partly" ? "only partly" : "not";
  return [printable(`${file}:${line}: ${name}= is ${extent} applied: ${why}`)];
}

function unmetText({ file, line, condition, why }: UnmetCondition): string {
  return printable(`${file}:${line}: ${condition} does not hold now, ${why}`);
}

function summaryText({ unit, place, classified }: Verification, strict: boolean): string {
  const { full } = unit.name;
  const counts = countsText(countTreatments(classified));
  const at = place === undefined ? "" : printable(place);
  switch (unit.state) {
    case "not-found":
      return `${full}: not found${at === "" ? " in the search path" : `, there is no ${at}`}`;
    case "masked":
      return `${full}: masked${at === "" ? "" : ` by ${at}`}`;
    case "refused":
      return `${full}: refused; ${counts}`;
    case "loaded":
      return `${full}: ${isTemplate(unit.name) ? "a template; " : ""}${counts}${strict ? strictText(classified) : ""}`;
  }
}

function countsText({ applied, partly, ignored, unknown }: Counts): string {
  const all = applied + partly + ignored + unknown;
  const directives = all === 1 ? "directive" : "directives";
  const strange = unknown === 0 ? "" : `, ${unknown} unknown`;
  return `${applied} of ${all} ${directives} applied, ${partly} partly, ${ignored} ignored${strange}`;
}

/** Why it is a failure with `--strict`, where it is. */
function strictText(classified: readonly Classified[]): string {
  const names = new Set(classified.filter(matters).map(({ assignment }) => assignment.name));
  return names.size === 0 ? "" : `; its work or its safety needs ${[...names].join(", ")}`;
}

/** Of many units: how many there are, how many cannot be used, and what becomes of their directives. */
export function totalText(verifications: readonly Verification[]): string {
  const unusable = verifications.filter(({ unit }) => unit.state === "refused").length;
  const counts = countTreatments(verifications.flatMap(({ classified }) => classified));
  const units = `${verifications.length} ${verifications.length === 1 ? "unit" : "units"}`;
  return `${units}, ${unusable} refused: ${countsText(counts)}\n`;
}

function countsOf({ assignments }: Unit): Readonly<Record<AssignmentOutcome, number>> {
  const counts = { used: 0, ignored: 0, unknown: 0 };
  for (const { outcome } of assignments) counts[outcome] += 1;
  return counts;
}

/** As herd(1) describes it. A line that is none, since the file as a whole is meant, is null. */
export function verificationJson({ unit, diagnostics, unmet, classified }: Verification) {
  const { name, aliases, state, fragment = null, dropIns } = unit;
  return {
    name: name.full,
    aliases,
    state,
    fragment,
    dropIns,
    settings: countsOf(unit),
    directives: countTreatments(classified),
    diagnostics: diagnostics.map(({ file, line, severity, what, done }) => ({
      file,
      line: line === 0 ? null : line,
      severity,
      what,
      done,
    })),
    unmetConditions: unmet?.map(({ file, line, condition, why }) => ({ file, line, condition, why })) ?? null,
    assignments: classified.map(({ assignment, treatment, why = null, effect, depends = null }) => {
      const { file, line, section, name: directive, value, outcome } = assignment;
      return { file, line, section, name: directive, value, outcome, treatment, why, effect, depends };
    }),
  };
}
