// What was found out about a unit, as text for people and as JSON for programs.

import { formatDiagnostic, printable } from "../diagnostics.js";
import { isTemplate } from "../names.js";
import type { AssignmentOutcome } from "../settings.js";
import type { Unit } from "../unit.js";
import type { UnmetCondition } from "./unmet-conditions.js";
import type { Verification } from "./verification.js";

/** Several lines, each with its end: the files, what is wrong, and a summary. */
export function verificationText(verification: Verification): string {
  const { unit, diagnostics, unmet = [] } = verification;
  const aliases = unit.aliases.length === 0 ? "" : `, also ${unit.aliases.join(", ")}`;
  const found = [
    ...filesOf(unit).map((file) => `  ${printable(file)}`),
    ...diagnostics.map(formatDiagnostic),
    ...unmet.map(unmetText),
  ];
  // The summary has the name as well.
  const head = found.length === 0 && aliases === "" ? [] : [`${unit.name.full}${aliases}`];
  const lines = [...head, ...found, summaryText(verification)];
  return lines.map((line) => `${line}\n`).join("");
}

function filesOf({ fragment, dropIns }: Unit): readonly string[] {
  return [...(fragment === undefined ? [] : [fragment]), ...dropIns];
}

function unmetText({ file, line, condition, why }: UnmetCondition): string {
  return printable(`${file}:${line}: ${condition} does not hold now, ${why}`);
}

function summaryText({ unit, place }: Verification): string {
  const { full } = unit.name;
  const at = place === undefined ? "" : printable(place);
  switch (unit.state) {
    case "not-found":
      return `${full}: not found${at === "" ? " in the search path" : `, there is no ${at}`}`;
    case "masked":
      return `${full}: masked${at === "" ? "" : ` by ${at}`}`;
    case "refused":
      return `${full}: refused; ${countsText(unit)}`;
    case "loaded":
      return `${full}: ${isTemplate(unit.name) ? "a template; " : ""}${countsText(unit)}`;
  }
}

function countsText(unit: Unit): string {
  const { used, ignored, unknown } = countsOf(unit);
  return `${used} ${used === 1 ? "setting" : "settings"} read, ${ignored} passed over, ${unknown} unknown`;
}

function countsOf({ assignments }: Unit): Readonly<Record<AssignmentOutcome, number>> {
  const counts = { used: 0, ignored: 0, unknown: 0 };
  for (const { outcome } of assignments) counts[outcome] += 1;
  return counts;
}

/** As herd(1) describes it. A line that is none, since the file as a whole is meant, is null. */
export function verificationJson({ unit, diagnostics, unmet }: Verification) {
  const { name, aliases, state, fragment = null, dropIns, assignments } = unit;
  return {
    name: name.full,
    aliases,
    state,
    fragment,
    dropIns,
    settings: countsOf(unit),
    diagnostics: diagnostics.map(({ file, line, severity, what, done }) => ({
      file,
      line: line === 0 ? null : line,
      severity,
      what,
      done,
    })),
    unmetConditions: unmet?.map(({ file, line, condition, why }) => ({ file, line, condition, why })) ?? null,
    assignments: assignments.map(({ file, line, section, name: directive, value, outcome }) => ({
      file,
      line,
      section,
      name: directive,
      value,
      outcome,
    })),
  };
}
