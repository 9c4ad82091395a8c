// In which order the lines of tmpfiles.d are carried out, and which of them are not, since another one is there for the
// same place. A pure function over the lines of all files, in the order of the files.

import type { Diagnostics } from "../diagnostics.js";
import { usualTimes } from "./age.js";
import { hasPattern, type Line, makesDirectory, type Operation, takesOwnership } from "./types.js";

/** All lines that count, by their paths. */
export interface Plan {
  readonly places: ReadonlyMap<string, readonly Line[]>;
  /** Lines whose paths are patterns. */
  readonly patterns: ReadonlyMap<string, readonly Line[]>;
}

export interface Step {
  readonly operation: Operation;
  readonly line: Line;
}

/** Leaves out lines for which another one is there. */
export function planOf(lines: readonly Line[], diagnostics: Diagnostics): Plan {
  const places = new Map<string, Line[]>();
  const patterns = new Map<string, Line[]>();
  for (const line of lines) {
    const group = hasPattern(line) ? patterns : places;
    const others = group.get(line.path) ?? [];
    const other = others.find((one) => !isCompatible(one, line));
    if (other !== undefined && !line.force) {
      const what = `${other.file}:${other.line} is for the same path`;
      diagnostics.add(line, "notice", what, "the line is ignored");
      continue;
    }
    group.set(line.path, inOrder([...others, line]));
  }
  return { places, patterns: withAges(patterns, places) };
}

/** Whether both can be carried out: at most one of them owns the place, or they say the same. */
function isCompatible(a: Line, b: Line): boolean {
  if (!takesOwnership(a) || !takesOwnership(b)) return true;
  const said = ({ file: _file, line: _line, ...rest }: Line): string => JSON.stringify(rest, replaceInfinity);
  return said(a) === said(b);
}

const replaceInfinity = (_key: string, value: unknown): unknown =>
  value === Number.POSITIVE_INFINITY ? "infinity" : value;

/** What makes something comes before what changes it. */
function inOrder(lines: readonly Line[]): Line[] {
  return [...lines].sort((a, b) => {
    if (takesOwnership(a) !== takesOwnership(b)) return takesOwnership(a) ? -1 : 1;
    return a.type.charCodeAt(0) - b.type.charCodeAt(0);
  });
}

/** What is in a directory that a line `X` protects is cleaned by the age of the directory above it, and by all of its times. */
function withAges(
  patterns: ReadonlyMap<string, readonly Line[]>,
  places: ReadonlyMap<string, readonly Line[]>,
): ReadonlyMap<string, readonly Line[]> {
  const aged = (line: Line): Line => {
    const path = line.type === "X" ? [line.path, ...prefixesOf(line.path)] : [];
    for (const one of path) {
      const { age } = places.get(one)?.find(makesDirectory) ?? {};
      if (age !== undefined) return { ...line, age: { ...usualTimes, seconds: age.seconds } };
    }
    return line;
  };
  return new Map([...patterns].map(([path, lines]) => [path, lines.map(aged)]));
}

/** The directories above a path, the nearest first, without the root. */
export function prefixesOf(path: string): readonly string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`).reverse();
}

/**
 * What is done, in order: removal and cleaning come before creation. Directories are made before what is in them, and removed
 * after it; what has a pattern comes last.
 */
export function stepsOf({ places, patterns }: Plan, operations: ReadonlySet<Operation>): readonly Step[] {
  const groupOf = (path: string): readonly Line[] | undefined => places.get(path) ?? patterns.get(path);
  const parents = new Map<string, string>();
  const children = new Map<string, string[]>();
  for (const path of places.keys()) {
    const parent = prefixesOf(path).find((one) => groupOf(one) !== undefined);
    if (parent === undefined) continue;
    parents.set(path, parent);
    children.set(parent, [...(children.get(parent) ?? []), path]);
  }
  const steps: Step[] = [];
  const done = new Map<Operation, Set<readonly Line[]>>();

  const perform = (lines: readonly Line[], operation: Operation): void => {
    const seen = done.get(operation) ?? new Set();
    done.set(operation, seen);
    if (seen.has(lines)) return;
    seen.add(lines);
    for (const line of lines) steps.push({ operation, line });
  };
  const create = (path: string, lines: readonly Line[]): void => {
    const parent = parents.get(path);
    if (places.get(path) === lines && parent !== undefined) create(parent, groupOf(parent) ?? []);
    perform(lines, "create");
  };
  const takeAway = (path: string, lines: readonly Line[]): void => {
    if (groupOf(path) === lines)
      for (const child of children.get(path) ?? []) takeAway(child, groupOf(child) ?? []);
    for (const operation of ["remove", "clean"] as const)
      if (operations.has(operation)) perform(lines, operation);
  };

  const all = [...places, ...patterns];
  for (const [path, lines] of all) takeAway(path, lines);
  if (operations.has("create")) for (const [path, lines] of all) create(path, lines);
  return steps;
}
