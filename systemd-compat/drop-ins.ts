// Which directories add to a unit: for its names, for what these have in common, and for its type.

import { join } from "node:path";
import { isInstance, parseUnitName, templateOf, type UnitName } from "./names.js";
import { FileError, type RootedFiles } from "./rooted-files.js";

/**
 * The names whose directories are for a unit, the most special first: its own, its template's, and those cut off after each
 * dash: `foo-bar.service`, `foo-.service`.
 */
export function* relatedNames(name: UnitName): Generator<string> {
  yield name.full;
  const template = templateOf(name);
  if (template !== undefined) yield* relatedNames(template);
  const prefix = shorterPrefix(name.prefix);
  if (prefix === undefined) return;
  const instance = isInstance(name) ? `@${name.instance ?? ""}` : "";
  const shorter = parseUnitName(`${prefix}${instance}.${name.type}`);
  if (shorter !== undefined) yield* relatedNames(shorter);
}

/** The prefix up to its last dash; one at its end is passed over, but no second one. */
function shorterPrefix(prefix: string): string | undefined {
  const stem = prefix.endsWith("-") ? prefix.slice(0, -1) : prefix;
  const dash = stem.lastIndexOf("-");
  return dash <= 0 ? undefined : stem.slice(0, dash + 1);
}

/**
 * The directories with this suffix, such as `.d` or `.wants`, that are for a unit with these names. Those for the names come
 * first, by the search path; those for all units of the type come last.
 */
export function directoriesOf(
  names: readonly UnitName[],
  searchPath: readonly string[],
  suffix: string,
): readonly string[] {
  const [first] = names;
  const special = names.flatMap((name) => {
    const related = [...relatedNames(name)];
    return searchPath.flatMap((place) => related.map((one) => join(place, `${one}${suffix}`)));
  });
  const general = first === undefined ? [] : searchPath.map((place) => join(place, `${first.type}${suffix}`));
  return [...new Set([...special, ...general])];
}

/** A directory whose contents are not known. */
export interface Unreadable {
  readonly directory: string;
  readonly why: string;
}

export interface Members {
  /** Absolute names of files, in the order of their last parts; of several with the same one only the first is there. */
  readonly files: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

/** The files in some directories whose names are accepted. Hidden ones are not. */
export async function membersOf(
  files: RootedFiles,
  directories: readonly string[],
  accepts: (name: string) => boolean,
): Promise<Members> {
  const found = new Map<string, string>();
  const unreadable: Unreadable[] = [];
  for (const directory of directories) {
    try {
      for (const { name, kind } of await files.entries(directory))
        if (kind !== "directory" && !name.startsWith(".") && accepts(name) && !found.has(name))
          found.set(name, join(directory, name));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      unreadable.push({ directory, why: error.message });
    }
  }
  const sorted = [...found].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { files: sorted.map(([, file]) => file), unreadable };
}
