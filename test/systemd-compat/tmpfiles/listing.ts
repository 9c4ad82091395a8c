// What a directory tree holds, as text, so that two of them can be compared.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** A line for everything below the root: its name, kind, permissions, owner, and what it holds or where it leads. */
export function listingOf(root: string, leftOut: (path: string) => boolean = () => false): readonly string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const place = join(root, path);
    const status = lstatSync(place);
    const octal = (status.mode & 0o177777).toString(8);
    const what = status.isSymbolicLink()
      ? `-> ${readlinkSync(place)}`
      : status.isFile()
        ? JSON.stringify(readFileSync(place, "latin1"))
        : `${status.isDirectory() ? "" : status.rdev}`;
    if (!leftOut(path)) lines.push(`${path} ${octal} ${status.uid}:${status.gid} ${what}`.trim());
    if (status.isDirectory()) for (const name of readdirSync(place).sort()) visit(join(path, name));
  };
  visit("/");
  return lines;
}
