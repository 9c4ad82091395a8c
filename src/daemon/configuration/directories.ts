// Where configurations and what they compile to are kept: the XDG base directories.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The user's directory that `variable` names; else `fallback` in the home directory. */
export function baseDirectory(environment: Environment, variable: string, fallback: string): string {
  const chosen = environment[variable];
  // The XDG specification: a relative name is to be ignored.
  if (chosen !== undefined && isAbsolute(chosen)) return chosen;
  const home = environment.HOME;
  return join(home !== undefined && isAbsolute(home) ? home : homedir(), fallback);
}
