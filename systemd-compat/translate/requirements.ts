// Requirements that have an order, as our services have them, from those of units, which need have none: where units require
// each other in a circle, or against their order, one only wants the other instead.

import type { Member } from "./closure.js";
import type { UnitDependencies } from "./dependencies.js";

/** A requirement that became a wish. */
export interface LoosenedRequirement {
  readonly unit: string;
  readonly requires: string;
  /** The circle, which begins and ends with the same unit; absent where the order says otherwise. */
  readonly circle?: readonly string[];
}

/**
 * Changes the dependencies so that no requirement contradicts the order that units state, and none is part of a circle.
 * What is loosened stays part of what it required: it is stopped along with it.
 */
export function orderRequirements(members: ReadonlyMap<string, Member>): readonly LoosenedRequirement[] {
  const loosened: LoosenedRequirement[] = [];
  for (const { unit, dependencies } of members.values()) {
    const { full } = unit.name;
    for (const name of required(dependencies)) {
      const other = members.get(name);
      if (other === undefined || name === full) loosen(dependencies, name);
      else if (isBefore(dependencies, other, full, unit.aliases)) {
        loosen(dependencies, name);
        loosened.push({ unit: full, requires: name });
      }
    }
  }
  return [...loosened, ...cutCircles(members)];
}

function required({ requires, bindsTo }: UnitDependencies): readonly string[] {
  return [...requires, ...bindsTo];
}

/** Whether a unit is to come before what it requires. */
function isBefore(
  dependencies: UnitDependencies,
  { unit, dependencies: others }: Member,
  full: string,
  aliases: readonly string[],
): boolean {
  return (
    [unit.name.full, ...unit.aliases].some((name) => dependencies.before.has(name)) ||
    [full, ...aliases].some((name) => others.after.has(name))
  );
}

function loosen(dependencies: UnitDependencies, name: string): void {
  dependencies.requires.delete(name);
  dependencies.bindsTo.delete(name);
  dependencies.wants.add(name);
  dependencies.partOf.add(name);
}

interface Step {
  readonly name: string;
  readonly names: readonly string[];
  next: number;
}

/** Depth first, with the path on a stack of its own: a chain may be long. */
function cutCircles(members: ReadonlyMap<string, Member>): readonly LoosenedRequirement[] {
  const cut: LoosenedRequirement[] = [];
  const done = new Set<string>();
  const onPath = new Set<string>();
  const path: Step[] = [];
  const enter = (name: string): void => {
    const member = members.get(name);
    path.push({ name, names: member === undefined ? [] : required(member.dependencies), next: 0 });
    onPath.add(name);
  };
  for (const root of members.keys()) {
    if (done.has(root)) continue;
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const name = top.names[top.next++];
      if (name === undefined) {
        path.pop();
        onPath.delete(top.name);
        done.add(top.name);
      } else if (onPath.has(name)) {
        const circle = path.slice(path.findIndex((step) => step.name === name)).map((step) => step.name);
        const [unit, requires] = weakestOf(circle, members);
        const { dependencies } = members.get(unit) ?? {};
        if (dependencies !== undefined) loosen(dependencies, requires);
        cut.push({ unit, requires, circle: [...circle, name] });
        // From that unit on the path is another one now.
        while (path.length > 0 && onPath.has(unit)) {
          const gone = path.pop();
          if (gone !== undefined) onPath.delete(gone.name);
        }
        if (path.length === 0) enter(unit);
        else {
          const last = path.at(-1);
          if (last !== undefined) last.next -= 1;
        }
      } else if (!done.has(name)) enter(name);
    }
  }
  return cut;
}

/** The requirement of a circle that loses least: one without an order of its own, else the one that closes the circle. */
function weakestOf(
  circle: readonly string[],
  members: ReadonlyMap<string, Member>,
): readonly [string, string] {
  const edges = circle.map((unit, index) => [unit, circle[(index + 1) % circle.length] ?? unit] as const);
  const unordered = edges.find(([unit, requires]) => {
    const one = members.get(unit);
    const other = members.get(requires);
    if (one === undefined || other === undefined) return true;
    const isAfter = [requires, ...other.unit.aliases].some((name) => one.dependencies.after.has(name));
    return !isAfter && !other.dependencies.before.has(unit);
  });
  return unordered ?? edges.at(-1) ?? ["", ""];
}
