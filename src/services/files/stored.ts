// The files that a system directory brings along for `filesDirectory`.

import { basename } from "node:path";
import { copyOf } from "./entries.js";
import { type FileLike, filePath, filesBelow } from "./file-like.js";
import type { Tree } from "./tree.js";

/** All files that must be put in place before any of `files` has its name. */
export function filesTree(files: readonly FileLike[]): Tree {
  return new Map(files.flatMap(filesBelow).map((one) => [basename(filePath(one)), copyOf(one)]));
}
