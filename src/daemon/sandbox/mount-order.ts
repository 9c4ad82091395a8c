// The order in which the mounts of a unit are made: parents first, and for one path what is mounted there before its flags.

import type { MountAction } from "../keeper/types.js";

/** The more of it, the later; of those up to `structures` a path has only the first. */
const ranks: Readonly<Record<MountAction["kind"], number>> = {
  inaccessible: 0,
  bind: 1,
  devices: 2,
  proc: 3,
  mqueue: 4,
  tmpfs: 5,
  "read-only": 6,
  "read-write": 7,
  "no-exec": 8,
  exec: 9,
};

/** Of two that contradict each other at one path, the first stays. */
const groups: Readonly<Partial<Record<MountAction["kind"], string>>> = {
  "read-only": "writing",
  "read-write": "writing",
  "no-exec": "executing",
  exec: "executing",
};

export function pathOf(action: MountAction): string {
  return action.kind === "devices" ? "/dev" : action.path;
}

/** Whether a path is `above` or below that. */
export function isWithin(path: string, above: string): boolean {
  return above === "/" || path === above || path.startsWith(`${above}/`);
}

function depth(path: string): number {
  return path === "/" ? 0 : path.split("/").length - 1;
}

/** Without what contradicts or repeats another, what has no effect, and what is below a path that is not accessible. */
export function orderedMounts(actions: readonly MountAction[]): MountAction[] {
  const sorted = [...actions].sort(
    (one, other) => depth(pathOf(one)) - depth(pathOf(other)) || ranks[one.kind] - ranks[other.kind],
  );
  const hidden = new Set<string>();
  const taken = new Map<string, number>();
  const kept: MountAction[] = [];
  for (const action of sorted) {
    const path = pathOf(action);
    if (isBelowAny(path, hidden)) continue;
    const key = `${groups[action.kind] ?? "mounted"} ${path}`;
    const earlier = taken.get(key);
    if (earlier !== undefined) {
      const first = kept[earlier];
      if (first !== undefined) kept[earlier] = asNeeded(first, action);
      continue;
    }
    if (action.kind === "inaccessible") hidden.add(path);
    taken.set(key, kept.length);
    kept.push(action);
  }
  return kept.filter((action) => !isIdle(action, kept));
}

/** At the path itself only what covers it counts, and it is the first there. */
function isBelowAny(path: string, hidden: ReadonlySet<string>): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1))
    if (hidden.has(path.slice(0, end))) return true;
  return hidden.has("/");
}

/** What one that must be there and one that need not have in common: it must be there. */
function asNeeded(first: MountAction, other: MountAction): MountAction {
  if (first.kind === "devices" || first.kind !== other.kind || first.optional !== true) return first;
  return other.optional === true ? first : { ...first, optional: false };
}

/** Whether it only takes back what nothing above has done; one that must be there is kept, to fail where it is not. */
function isIdle(action: MountAction, actions: readonly MountAction[]): boolean {
  if (action.kind !== "read-write" && action.kind !== "exec") return false;
  if (action.optional !== true) return false;
  const opposite = action.kind === "read-write" ? "read-only" : "no-exec";
  return !actions.some((one) => one.kind === opposite && isWithin(action.path, one.path));
}
