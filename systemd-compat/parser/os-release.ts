// Files of shell-like assignments, such as os-release(5) and machine-info(5).

import { parseEnvironmentFile } from "./environment.js";

/** The variables of such a file; none where it is unusable. */
export function parseAssignments(text: string): ReadonlyMap<string, string> {
  try {
    return parseEnvironmentFile(Buffer.from(text, "utf8")).variables;
  } catch {
    return new Map();
  }
}
