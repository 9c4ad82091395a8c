// What valgrind and the sanitizers found in the native programs of a system.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** File → text. Valgrind's own shortcomings, such as a system call it does not know, begin with `--` and are left out. */
export function reports(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [
      name,
      readFileSync(join(directory, name), "utf8").replace(/^--.*\n/gm, ""),
    ]),
  );
}
