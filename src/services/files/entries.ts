// Named file-like values and trees, put together as one tree.

import { checkValue, fail, isRecord, show } from "../../daemon/definition/check.js";
import { type FileLike, fileLikeCheck, filePath, type LocalFile, type PlainFile } from "./file-like.js";
import { file, symlink, type Tree, type TreeEntry, treeBelow, unionOf } from "./tree.js";

/** A tree with what each entry names: files are copied, and links are made to what is there already. */
export function treeOfEntries(
  what: string,
  entries: readonly (readonly [name: string, item: FileLike | Tree])[],
): Tree {
  return unionOf(
    what,
    entries.map(([name, item]) =>
      item instanceof Map ? treeBelow(name, item) : new Map([[name, entryFor(item as FileLike)]]),
    ),
  );
}

/**
 * A directory made of files, by their names in it: Guix's `file-union`.
 *
 * @example ["modprobe.d", fileUnion({ "wireguard.conf": plainFile("wireguard.conf", "options wireguard\n") })]
 * @throws DefinitionError where a name does not stay in the directory, or a value is no file
 */
export function fileUnion(files: Readonly<Record<string, FileLike>>): Tree {
  const of = { what: "fileUnion" };
  if (!isRecord(files)) fail(of, `expected a record of files, got ${show(files)}`);
  for (const [name, file] of Object.entries(files)) checkValue(of, file, fileLikeCheck, `field "${name}"`);
  return treeOfEntries(of.what, Object.entries(files));
}

/** A file-like value as a part of a tree. */
export function entryFor(item: FileLike): TreeEntry {
  return typeof item !== "string" && "kind" in item && item.kind !== "file-append"
    ? copyOf(item)
    : symlink(filePath(item));
}

/**
 * The file itself.
 *
 * @throws DefinitionError where it is a local file of a system that was built elsewhere
 */
export function copyOf(item: PlainFile | LocalFile): TreeEntry {
  if (item.kind === "plain-file") return file(item.contents, item.mode);
  const { contents, mode } = item.source;
  if (contents === undefined)
    fail(
      { what: `local file "${item.path}"` },
      "its contents are not there: a system is built from its source, and not from a built system",
    );
  return file(contents, mode);
}
