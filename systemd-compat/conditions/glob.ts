// Whether any file matches a pattern: glob(3) with braces.

import { hasWildcards, matchesFileName } from "../pattern.js";
import type { SystemView } from "./view.js";

/** Alternatives that braces may make, and names that are looked at. */
const most = { alternatives: 1024, names: 100_000 } as const;

/** Whether there is at least one file that matches. */
export async function anyMatches(pattern: string, view: SystemView): Promise<boolean> {
  let names = 0;
  for (const one of expandBraces(pattern)) {
    let directories = ["/"];
    const parts = one.split("/").filter((part) => part !== "");
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const next: string[] = [];
      for (const directory of directories) {
        for (const name of await matching(directory, part, view)) {
          names += 1;
          if (isLast || names > most.names) return isLast;
          next.push(`${directory === "/" ? "" : directory}/${name}`);
        }
      }
      directories = next;
    }
    if (parts.length === 0) return true;
  }
  return false;
}

async function matching(directory: string, pattern: string, view: SystemView): Promise<readonly string[]> {
  if (!hasWildcards(pattern)) {
    const name = pattern.replaceAll("\\", "");
    const found = await view.status(`${directory === "/" ? "" : directory}/${name}`, true);
    return found === undefined ? [] : [name];
  }
  const names = (await view.list(directory)) ?? [];
  // glob(3) counts `.` and `..` too, where the pattern begins with a dot.
  return [...names, ".", ".."].filter((name) => matchesFileName(name, pattern));
}

/** The patterns that one with `{a,b}` stands for. */
export function expandBraces(pattern: string): readonly string[] {
  let todo = [pattern];
  const done: string[] = [];
  while (todo.length > 0 && todo.length + done.length <= most.alternatives) {
    const [one = "", ...rest] = todo;
    const group = innermostBraces(one);
    todo = rest;
    if (group === undefined) done.push(one);
    else todo.push(...group.alternatives.map((each) => group.before + each + group.after));
  }
  return [...new Set(done)];
}

interface Braces {
  readonly before: string;
  readonly alternatives: readonly string[];
  readonly after: string;
}

/** A pair of braces without others in it; undefined where there is none. */
function innermostBraces(text: string): Braces | undefined {
  const [whole, inside = ""] = /\{([^{}]*)\}/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const at = text.indexOf(whole);
  return { before: text.slice(0, at), alternatives: inside.split(","), after: text.slice(at + whole.length) };
}
