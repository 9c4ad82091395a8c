// The root of every system's graph of services: what its contributions put together is the system directory.

import { fail, show } from "../../daemon/definition/check.js";
import { isText } from "../../daemon/definition/fields.js";
import { serviceType } from "../composition/service-type.js";
import { type FileLike, isFileLike } from "../files/file-like.js";
import { isTree, type Tree } from "../files/tree.js";
import { append, concatenate } from "./lists.js";

/**
 * Something in the system directory, by its name there. A file of the configuration is copied, whatever else has a name is
 * linked to, and a tree is a directory. Directories of the same name are put together.
 */
export type SystemEntry = readonly [name: string, item: FileLike | Tree];

/** Whether `value` is a pair of a relative name and a file-like value or tree. */
export function isEntry(value: unknown): value is SystemEntry {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    isRelativeName(value[0]) &&
    (isFileLike(value[1]) || isTree(value[1]))
  );
}

/** A name that stays below the directory it is relative to. */
export function isRelativeName(value: unknown): value is string {
  return isText(value) && value.split("/").every((part) => !["", ".", ".."].includes(part));
}

/** @throws DefinitionError that names the service and shows what is no entry */
export function checkEntries<Entry extends SystemEntry>(
  service: string,
  lists: readonly (readonly Entry[])[],
): readonly Entry[] {
  const all = concatenate(lists);
  const wrong = all.find((one) => !isEntry(one));
  if (wrong !== undefined)
    fail(
      { what: `service '${service}'` },
      `expected extensions that are lists of [name, file], a relative name and a file-like value, got ${show(wrong)}`,
    );
  return all;
}

/**
 * The root of the graph. Its value is the list of what is in the system directory besides contributions.
 *
 * @example simpleService("motto", systemServiceType, [["motto", plainFile("motto", "Festina lente.\n")]])
 */
export const systemServiceType = serviceType<
  readonly SystemEntry[],
  readonly SystemEntry[],
  readonly SystemEntry[]
>({
  name: "system",
  extensions: [],
  compose: (contributions) => checkEntries("system", contributions),
  extend: append,
  description:
    "Build the system directory, which holds all that it takes to activate a system, and to run it. It is the root of the graph of services.",
});
