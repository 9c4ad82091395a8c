// From assignments to settings: each value read by its directive's type, in order, with a diagnostic for what cannot be.

import { isRecord, show } from "../src/daemon/definition/check.js";
import { suggestion } from "../src/daemon/definition/suggestion.js";
import { type Diagnostics, refused } from "./diagnostics.js";
import { directiveOf, type FoundDirective, namesIn, type SectionName } from "./directives.js";
import type { Assignment } from "./parser/unit-file.js";
import { expandSpecifiers, type SpecifierContext, SpecifierError } from "./specifiers.js";
import { BadValue, type ValueContext } from "./values/type.js";

/** `used`: its value counts. `ignored`: its value was none. `unknown`: there is no such directive. */
export type AssignmentOutcome = "used" | "ignored" | "unknown";

/** An assignment, with what was made of it. */
export interface JudgedAssignment extends Assignment {
  readonly outcome: AssignmentOutcome;
  /** Absent where the directive is unknown. */
  readonly found?: FoundDirective;
}

export interface SettingsResult {
  /** By section; the values are those of the types in `directives.ts`. */
  readonly settings: Readonly<Partial<Record<SectionName, Readonly<Record<string, unknown>>>>>;
  readonly assignments: readonly JudgedAssignment[];
}

/** What no unit has so much of that a person wrote it, and what would take time and memory without end. */
const most = { assignments: 4096, items: 4096, suggestions: 20 } as const;

/** Reads all assignments of a unit, its main file's first. */
export function readSettings(
  assignments: readonly Assignment[],
  specifiers: SpecifierContext,
  diagnostics: Diagnostics,
): SettingsResult {
  const settings: Partial<Record<SectionName, Record<string, unknown>>> = {};
  let unknown = 0;
  const excess = assignments[most.assignments];
  if (excess !== undefined)
    diagnostics.add(excess, "error", `more than ${most.assignments} assignments`, refused);
  const judged = assignments.slice(0, most.assignments).map((assignment): JudgedAssignment => {
    const found = directiveOf(assignment.section, assignment.name);
    if (found === undefined || found === "gone") {
      unknown += 1;
      const what = unknownText(assignment, found, unknown <= most.suggestions);
      diagnostics.add(assignment, "warning", what, "the assignment is ignored");
      return { ...assignment, outcome: "unknown" };
    }
    if (found.instead !== undefined)
      diagnostics.add(assignment, "notice", olderText(assignment, found), "it is taken for that");
    settings[found.section] ??= {};
    const outcome = assign(settings[found.section] ?? {}, assignment, found, specifiers, diagnostics);
    return { ...assignment, outcome, found };
  });
  return { settings, assignments: judged };
}

function unknownText({ section, name }: Assignment, found: "gone" | undefined, suggest: boolean): string {
  if (found === "gone") return `${name}= no longer exists`;
  return `unknown name ${show(name)} in [${section}]${suggest ? suggestion(name, namesIn(section)) : ""}`;
}

function olderText({ section, name }: Assignment, found: FoundDirective): string {
  const today = `${found.name}= in [${found.section}]`;
  return found.section === section
    ? `${name}= is ${found.name}= nowadays`
    : `${name}= in [${section}] is ${today} nowadays`;
}

function assign(
  settings: Record<string, unknown>,
  assignment: Assignment,
  { name, directive }: FoundDirective,
  specifiers: SpecifierContext,
  diagnostics: Diagnostics,
): AssignmentOutcome {
  const context = contextOf(assignment, name, specifiers, diagnostics);
  try {
    for (const target of directive.sets ?? [directive.into ?? name]) {
      const value = directive.type.parse(assignment.value, settings[target], context);
      if (sizeOf(value) > most.items) throw new BadValue(`more than ${most.items} of them`, true);
      if (value === undefined) delete settings[target];
      else settings[target] = value;
    }
    return "used";
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    const severity = error.refuses ? "error" : "warning";
    diagnostics.add(
      assignment,
      severity,
      `${assignment.name}=: ${error.message}`,
      error.refuses ? refused : "the assignment is ignored",
    );
    return "ignored";
  }
}

/** Items of a list or a map, or of those that a value has. */
function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (!isRecord(value) || ArrayBuffer.isView(value)) return 0;
  return Math.max(0, ...Object.values(value).map((one) => (Array.isArray(one) ? one.length : 0)));
}

function contextOf(
  assignment: Assignment,
  directive: string,
  specifiers: SpecifierContext,
  diagnostics: Diagnostics,
): ValueContext {
  const { file, line, name } = assignment;
  const position = { file, line };
  const expand = (text: string, onlyForNames: boolean): string => {
    try {
      return expandSpecifiers(text, specifiers, onlyForNames);
    } catch (error) {
      if (error instanceof SpecifierError) throw new BadValue(error.message);
      throw error;
    }
  };
  return {
    position,
    directive,
    unit: specifiers.unit,
    runtimeDirectory: specifiers.directories.runtime,
    expand: (text) => expand(text, false),
    expandName: (text) => expand(text, true),
    warn: (what, done) => diagnostics.add(position, "warning", `${name}=: ${what}`, done),
    notice: (what, done) => diagnostics.add(position, "notice", `${name}=: ${what}`, done),
  };
}
