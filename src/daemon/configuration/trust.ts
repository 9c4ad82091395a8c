// Whether what is in a directory may be run.

import type { Stats } from "node:fs";

/** Why not: somebody else than user `uid` could have put it there. Undefined: nobody could. */
export function whyUntrusted(directory: Stats, uid: number): string | undefined {
  if (!directory.isDirectory()) return "not a directory";
  if (directory.uid !== uid) return `belongs to user ${directory.uid}, not to ${uid}`;
  if ((directory.mode & 0o022) !== 0)
    return `others may write there (mode ${(directory.mode & 0o7777).toString(8)})`;
  return undefined;
}
