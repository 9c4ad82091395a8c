// Which units there are: the names in all directories of the search path, with links and masks, read once.

import { basename, dirname, join } from "node:path";
import type { Diagnostic } from "./diagnostics.js";
import { isInstance, isTemplate, parseUnitName, templateOf, type UnitName, withInstance } from "./names.js";
import { type DirectoryEntry, FileError, type RootedFiles } from "./rooted-files.js";

/** What a name in the search path is. */
export type IndexEntry =
  | { readonly kind: "file"; readonly path: string }
  /** Another name of `target`. */
  | { readonly kind: "alias"; readonly path: string; readonly target: UnitName }
  | { readonly kind: "masked"; readonly path: string };

/** What a unit's name leads to. */
export interface Found {
  /** The unit's own name, where the one that was looked for is an alias. */
  readonly name: UnitName;
  readonly state: "found" | "masked" | "not-found";
  /** The main file, or what masks the unit. */
  readonly path?: string;
}

/** Links from name to name that are followed. */
const mostSteps = 8;

export class UnitIndex {
  /** Directories of units, the most important first. */
  readonly searchPath: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #entries: ReadonlyMap<string, IndexEntry>;
  readonly #directories: ReadonlySet<string>;

  constructor(
    searchPath: readonly string[],
    entries: ReadonlyMap<string, IndexEntry>,
    directories: ReadonlySet<string>,
    diagnostics: readonly Diagnostic[],
  ) {
    this.searchPath = searchPath;
    this.diagnostics = diagnostics;
    this.#entries = entries;
    this.#directories = directories;
  }

  /** Every name in the search path, templates and aliases too, sorted. */
  get names(): readonly string[] {
    return [...this.#entries.keys()].sort();
  }

  entry(name: string): IndexEntry | undefined {
    return this.#entries.get(name);
  }

  /** The same units, but for this name, which is something else. */
  with(name: UnitName, entry: IndexEntry): UnitIndex {
    const entries = new Map(this.#entries).set(name.full, entry);
    return new UnitIndex(this.searchPath, entries, this.#directories, this.diagnostics);
  }

  /** Whether the search path has this directory of drop-ins or links: an absolute name, by a place of the search path. */
  hasDirectory(directory: string): boolean {
    return this.#directories.has(directory);
  }

  /** Follows aliases, and takes the template for an instance that has no file of its own. */
  find(name: UnitName): Found {
    let current = name;
    let key = name.full;
    for (let step = 0; step < mostSteps; step += 1) {
      const entry = this.#entries.get(key) ?? this.#entries.get(templateOf(current)?.full ?? "");
      if (entry === undefined) return { name: current, state: "not-found" };
      if (entry.kind !== "alias")
        return { name: current, state: entry.kind === "file" ? "found" : "masked", path: entry.path };
      const { target } = entry;
      const next =
        isTemplate(target) && isInstance(current) ? withInstance(target, current.instance ?? "") : target;
      // An instance that is a link to its own template.
      key = next.full === current.full ? target.full : next.full;
      current = next;
    }
    return { name: current, state: "not-found" };
  }

  /** All other names that lead to a unit, sorted. */
  aliasesOf(name: UnitName): readonly UnitName[] {
    const found = new Map<string, UnitName>();
    for (const [full, entry] of this.#entries) {
      const alias = entry.kind === "alias" ? parseUnitName(full) : undefined;
      if (alias === undefined || alias.type !== name.type) continue;
      // A template's alias is one for each of its instances.
      const candidate =
        isTemplate(alias) && isInstance(name) ? withInstance(alias, name.instance ?? "") : alias;
      if (candidate.full !== name.full && this.find(candidate).name.full === name.full)
        found.set(candidate.full, candidate);
    }
    return [...found.values()].sort((a, b) => (a.full < b.full ? -1 : 1));
  }
}

/** Reads the directories of a search path. */
export async function indexUnits(files: RootedFiles, searchPath: readonly string[]): Promise<UnitIndex> {
  const entries = new Map<string, IndexEntry>();
  const directories = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  const real = new Set<string>();
  for (const directory of searchPath) real.add((await files.real(directory)) ?? directory);
  const places = new Set([...searchPath, ...real]);
  for (const directory of searchPath) {
    const place = (await files.real(directory)) ?? directory;
    const units = (await listed(files, directory, diagnostics)).flatMap((entry) => {
      if (/\.(?:d|wants|requires)$/.test(entry.name)) directories.add(join(directory, entry.name));
      const name = parseUnitName(entry.name);
      const isUnit = name !== undefined && !entries.has(name.full) && ["file", "link"].includes(entry.kind);
      return isUnit ? [{ entry, name, path: join(directory, entry.name) }] : [];
    });
    // Side by side: there are hundreds of them.
    const found = await Promise.all(
      units.map(({ entry, name, path }) => entryOf(files, places, path, name, place, entry)),
    );
    for (const [index, { name, path }] of units.entries()) {
      const one = found[index];
      if (typeof one === "object") entries.set(name.full, one);
      else if (one !== undefined)
        diagnostics.push({
          file: path,
          line: 0,
          severity: "warning",
          what: one,
          done: "the link is ignored",
        });
    }
  }
  return new UnitIndex(searchPath, entries, directories, diagnostics);
}

async function listed(
  files: RootedFiles,
  directory: string,
  diagnostics: Diagnostic[],
): Promise<readonly DirectoryEntry[]> {
  try {
    return await files.entries(directory);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const what = `the directory cannot be read: ${error.message}`;
    diagnostics.push({
      file: directory,
      line: 0,
      severity: "warning",
      what,
      done: "its units are not known",
    });
    return [];
  }
}

/**
 * What a name in a directory is; a text says why a link cannot be one.
 * @param place the directory with its links followed
 */
async function entryOf(
  files: RootedFiles,
  places: ReadonlySet<string>,
  path: string,
  name: UnitName,
  place: string,
  { kind }: DirectoryEntry,
): Promise<IndexEntry | string> {
  const there = join(place, basename(path));
  if (kind === "file") return { kind: (await files.isEmptyFile(there)) ? "masked" : "file", path };
  if (await files.isEmpty(path)) return { kind: "masked", path };
  const link = await files.linkTarget(there);
  if (link === undefined) return { kind: "file", path };
  const target = join(dirname(path), link.startsWith("/") ? join("/", link) : link);
  const absolute = link.startsWith("/") ? join("/", link) : target;
  const other = parseUnitName(basename(absolute));
  if (other?.full === name.full || !(await isInPath(files, places, absolute))) {
    const real = await files.real(path);
    if (real === undefined) return `it points to ${absolute}, which does not exist`;
    return { kind: "file", path: other?.full === name.full ? absolute : real };
  }
  const problem = other === undefined ? "no name of a unit" : aliasProblem(name, other);
  if (other === undefined || problem !== undefined) return `it points to ${absolute}, ${problem ?? ""}`;
  return { kind: "alias", path, target: other };
}

async function isInPath(files: RootedFiles, places: ReadonlySet<string>, path: string): Promise<boolean> {
  const directory = dirname(path);
  return places.has(directory) || places.has((await files.real(directory)) ?? directory);
}

/** Why the one cannot be a name of the other; undefined where it can. */
function aliasProblem(alias: UnitName, target: UnitName): string | undefined {
  if (alias.type !== target.type) return "a unit of another type";
  if (isInstance(alias) && isInstance(target) && alias.instance !== target.instance)
    return "another instance";
  if (isTemplate(alias) && !isTemplate(target)) return "no template, while this is one";
  if (alias.instance === undefined && isTemplate(target)) return "a template, while this is none";
  return undefined;
}
