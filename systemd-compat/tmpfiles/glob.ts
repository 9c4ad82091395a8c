// What there is that matches the path of a line, below the root.

import { PlaceError, within } from "../../src/services/activation/directory.js";
import { openPlace, type Root } from "../../src/services/activation/place.js";
import { expandBraces } from "../conditions/glob.js";
import { hasWildcards, matchesFileName } from "../pattern.js";

/** More are a mistake. */
const most = 1_000_000;

/** Absolute names, sorted. A link that is the last part of one is not followed. */
export async function matchesOf(root: Root, pattern: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const one of expandBraces(pattern)) for (const path of await matchesOfOne(root, one)) found.add(path);
  return [...found].sort();
}

async function matchesOfOne(root: Root, pattern: string): Promise<readonly string[]> {
  let paths = [""];
  for (const part of pattern.split("/").filter((one) => one !== "")) {
    const next: string[] = [];
    for (const path of paths) {
      for (const name of await matchesIn(root, path, part)) next.push(`${path}/${name}`);
      if (next.length > most) throw new PlaceError(pattern, `more than ${most} files match`);
    }
    paths = next;
  }
  return paths.map((path) => (path === "" ? "/" : path));
}

async function matchesIn(root: Root, path: string, part: string): Promise<readonly string[]> {
  try {
    return await within(openPlace(root, path), async (directory) => {
      if (hasWildcards(part)) return (await directory.names()).filter((name) => matchesFileName(name, part));
      const name = part.replace(/\\(.)/g, "$1");
      return (await directory.status(name)) === undefined ? [] : [name];
    });
  } catch (error) {
    // What cannot be entered has nothing in it that matches.
    if (error instanceof PlaceError) return [];
    throw error;
  }
}

/** Whether a path matches a pattern part by part: a star stands for nothing that has a slash in it. */
export function matchesPath(path: string, pattern: string): boolean {
  return expandBraces(pattern).some((one) => {
    const parts = one.split("/");
    const names = path.split("/");
    return parts.length === names.length && parts.every((part, at) => matchesFileName(names[at] ?? "", part));
  });
}
