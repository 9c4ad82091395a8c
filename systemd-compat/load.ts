// Finds a unit's files: the main one, what is added to it, and the links that other units want or require it by.

import { basename } from "node:path";
import { type Diagnostic, refused } from "./diagnostics.js";
import { directoriesOf, membersOf } from "./drop-ins.js";
import { isTemplate, parseUnitName, templateOf, type UnitName } from "./names.js";
import { FileError, type RootedFiles } from "./rooted-files.js";
import type { LinkedUnit, SourceFile, UnitSource } from "./unit.js";
import type { Found, UnitIndex } from "./unit-index.js";
import { withoutTemplate } from "./values/lists.js";

/** More are a mistake. */
const most = { dropIns: 256, links: 4096, bytes: 8 * 2 ** 20 } as const;

/** Finds the files of a unit. A template is found too, though it can only be read. */
export async function findUnit(files: RootedFiles, index: UnitIndex, name: UnitName): Promise<UnitSource> {
  const found = index.find(name);
  const aliases = index.aliasesOf(found.name);
  const names = [found.name, ...aliases];
  const diagnostics: Diagnostic[] = [];
  const fragment =
    found.state === "found" && found.path !== undefined
      ? await readSource(files, found.path, diagnostics)
      : undefined;
  const dropIns: SourceFile[] = [];
  let bytes = fragment?.contents.length ?? 0;
  for (const file of found.state === "masked" ? [] : await list(files, index, names, ".d", diagnostics)) {
    const source = await readSource(files, file, diagnostics);
    if (source === undefined) continue;
    bytes += source.contents.length;
    if (bytes > most.bytes) {
      const what = `with it the files of the unit have more than ${most.bytes} bytes`;
      diagnostics.push({ file, line: 0, severity: "error", what, done: refused });
      break;
    }
    dropIns.push(source);
  }
  return {
    name: found.name,
    aliases: otherNames(name, found, aliases),
    state: stateOf(found, fragment, diagnostics),
    dropIns,
    wants: await links(files, index, names, ".wants", diagnostics),
    requires: await links(files, index, names, ".requires", diagnostics),
    diagnostics,
    ...(fragment === undefined ? {} : { fragment }),
  };
}

function stateOf(
  { state, name }: Found,
  fragment: SourceFile | undefined,
  diagnostics: readonly Diagnostic[],
): UnitSource["state"] {
  // A slice, a target or a device is something without any file.
  const needsNone = ["slice", "device"].includes(name.type);
  if (state !== "found") return state === "not-found" && needsNone ? "found" : state;
  // One that cannot be read is refused, and not as if it did not exist.
  return fragment === undefined && diagnostics.length === 0 ? "not-found" : "found";
}

/** The names besides its own, that by which it was asked for among them. */
function otherNames(asked: UnitName, { name }: Found, aliases: readonly UnitName[]): readonly string[] {
  const names = new Set([...aliases.map(({ full }) => full), asked.full]);
  names.delete(name.full);
  return [...names].sort();
}

async function readSource(
  files: RootedFiles,
  file: string,
  diagnostics: Diagnostic[],
): Promise<SourceFile | undefined> {
  try {
    const contents = await files.read(file);
    return contents === undefined ? undefined : { file, contents };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const what = `it cannot be read: ${error.message}`;
    diagnostics.push({ file, line: 0, severity: "error", what, done: refused });
    return undefined;
  }
}

/** The files of the directories with this suffix. */
async function list(
  files: RootedFiles,
  index: UnitIndex,
  names: readonly UnitName[],
  suffix: ".d" | ".wants" | ".requires",
  diagnostics: Diagnostic[],
): Promise<readonly string[]> {
  const directories = directoriesOf(names, index.searchPath, suffix).filter((one) => index.hasDirectory(one));
  const isDropIn = suffix === ".d";
  const { files: found, unreadable } = await membersOf(
    files,
    directories,
    (name) => !isDropIn || name.endsWith(".conf"),
  );
  for (const { directory, why } of unreadable) {
    const what = `the directory cannot be read: ${why}`;
    // Without what is added it would be another unit; without what it wants it is the same one.
    diagnostics.push({
      file: directory,
      line: 0,
      severity: isDropIn ? "error" : "warning",
      what,
      done: isDropIn ? refused : "it counts as empty",
    });
  }
  const bound = isDropIn ? most.dropIns : most.links;
  const [one] = directories;
  if (found.length > bound)
    diagnostics.push({
      file: one ?? "",
      line: 0,
      severity: "error",
      what: `more than ${bound} files in directories that end with "${suffix}"`,
      done: refused,
    });
  return found.slice(0, bound);
}

/** The units that links in `.wants` or `.requires` directories name. */
async function links(
  files: RootedFiles,
  index: UnitIndex,
  names: readonly UnitName[],
  suffix: ".wants" | ".requires",
  diagnostics: Diagnostic[],
): Promise<readonly LinkedUnit[]> {
  const [unit] = names;
  const found: LinkedUnit[] = [];
  for (const link of await list(files, index, names, suffix, diagnostics)) {
    const name = parseUnitName(basename(link));
    if (name === undefined || unit === undefined) {
      const what = "no name of a unit";
      diagnostics.push({ file: link, line: 0, severity: "warning", what, done: "the link is ignored" });
    } else if (!(await files.isEmpty(link))) {
      found.push({ name: withoutTemplate(name, unit).full, link });
    }
  }
  return found;
}

/** The names of all units that have a file: no aliases, and no templates unless these are asked for. */
export function unitNames(index: UnitIndex, { templates = false } = {}): readonly UnitName[] {
  return index.names.flatMap((full) => {
    const name = parseUnitName(full);
    const entry = index.entry(full);
    if (name === undefined || entry === undefined || entry.kind === "alias") return [];
    return isTemplate(name) && !templates ? [] : [name];
  });
}

/** Whether a unit of this name could be started: it, or its template, has a file or an alias. */
export function exists(index: UnitIndex, name: UnitName): boolean {
  return index.entry(name.full) !== undefined || index.entry(templateOf(name)?.full ?? "") !== undefined;
}
