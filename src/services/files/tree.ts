// Directory trees as values: what a system directory holds before anybody writes it. The same tree always gives the same
// bytes: owner, times and order of creation are no part of it.

import { createHash } from "node:crypto";
import { DefinitionError, show } from "../../daemon/definition/check.js";

export type TreeEntry =
  | { readonly kind: "file"; readonly contents: string | Uint8Array; readonly mode: number }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "directory"; readonly mode?: number | undefined };

/** Entries by their names relative to the top, without a slash at either end. Directories above an entry are implied. */
export type Tree = ReadonlyMap<string, TreeEntry>;

export const file = (contents: string | Uint8Array, mode = 0o444): TreeEntry => ({
  kind: "file",
  contents,
  mode,
});
export const symlink = (target: string): TreeEntry => ({ kind: "symlink", target });
export const directory = (mode?: number): TreeEntry => ({ kind: "directory", mode });

/** Whether `value` is a tree, by its looks: its entries are checked when trees are put together. */
export function isTree(value: unknown): value is Tree {
  return value instanceof Map && [...value.keys()].every((name) => typeof name === "string");
}

/** The same tree, below a directory of another one. */
export function treeBelow(name: string, tree: Tree): Tree {
  return new Map([...tree].map(([path, entry]) => [`${name}/${path}`, entry]));
}

/**
 * Trees put together.
 *
 * @throws DefinitionError where two of them have something different by the same name
 */
export function unionOf(what: string, trees: readonly Tree[]): Tree {
  const union = new Map<string, TreeEntry>();
  for (const [path, entry] of trees.flatMap((tree) => [...tree])) {
    checkPath(what, path);
    const other = union.get(path);
    if (other !== undefined && !isSame(other, entry))
      throw new DefinitionError(`${what}: duplicate '${path}'`);
    union.set(path, entry);
  }
  for (const path of union.keys())
    for (const above of directoriesAbove(path)) {
      const entry = union.get(above);
      if (entry !== undefined && entry.kind !== "directory")
        throw new DefinitionError(`${what}: '${above}' is no directory, and '${path}' would be in it`);
    }
  return sorted(union);
}

function checkPath(what: string, path: string): void {
  if (path.includes("\0") || path.split("/").some((part) => ["", ".", ".."].includes(part)))
    throw new DefinitionError(`${what}: expected the name of something in it, got ${show(path)}`);
}

function isSame(a: TreeEntry, b: TreeEntry): boolean {
  if (a.kind === "file" && b.kind === "file")
    return a.mode === b.mode && Buffer.from(a.contents).equals(Buffer.from(b.contents));
  if (a.kind === "symlink" && b.kind === "symlink") return a.target === b.target;
  return a.kind === "directory" && b.kind === "directory" && a.mode === b.mode;
}

/** The names of the directories that an entry lies in, from the top. */
export function directoriesAbove(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** By name, in the order of code units, which no locale changes. */
function sorted(tree: Tree): Tree {
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every directory, implied ones too, with the permissions of those that are not implied; parents come first. */
export function directoriesOf(tree: Tree): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const path of tree.keys()) for (const above of directoriesAbove(path)) all.set(above, 0o755);
  for (const [path, entry] of tree) if (entry.kind === "directory") all.set(path, entry.mode ?? 0o755);
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** 64 hexadecimal digits that stand for all names, kinds, permissions and contents. */
export function hashOfTree(tree: Tree): string {
  const hash = createHash("sha256");
  // Lengths keep one field from running into the next.
  const add = (text: string | Uint8Array): void => {
    const bytes = Buffer.from(text as Uint8Array);
    hash.update(`${bytes.length}:`).update(bytes);
  };
  for (const [path, mode] of directoriesOf(tree)) {
    add(path);
    add(`directory ${mode.toString(8)}`);
  }
  for (const [path, entry] of sorted(tree)) {
    if (entry.kind === "directory") continue;
    add(path);
    add(entry.kind === "file" ? `file ${entry.mode.toString(8)}` : "symlink");
    add(entry.kind === "file" ? entry.contents : entry.target);
  }
  return hash.digest("hex");
}
