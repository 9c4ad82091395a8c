// Which files the constructors and actions of `shepherd-ts/system` were made with. What they make are the daemon's own, and
// the daemon knows names of files only; the system that is built must put the files there.

import type { FileLike } from "../files/file-like.js";

const files = new WeakMap<object, readonly FileLike[]>();

/**
 * Remembers the files that `made` was made with: a constructor, a destructor, the procedure of an action, or a command of a
 * timer. Gives `made`.
 */
export function withFiles<T extends object>(made: T, words: readonly FileLike[]): T {
  // What is a string names a file that is there already, or is no file at all.
  const own = words.filter((word) => typeof word !== "string");
  if (own.length > 0) files.set(made, Object.freeze(own));
  return made;
}

/** The files that something was made with: see `withFiles`. */
export const filesOf = (made: object): readonly FileLike[] => files.get(made) ?? [];
