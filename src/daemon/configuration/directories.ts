// Where configurations and what they compile to are kept: the XDG base directories.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the supervisor keeps what outlives a boot: that of the system, or of the user. */
export function stateDirectory(environment: Environment, uid: number): string {
  const chosen = environment.XDG_STATE_HOME;
  const isSystem = uid === 0 && (chosen === undefined || !isAbsolute(chosen));
  return join(
    isSystem ? "/var/lib" : baseDirectory(environment, "XDG_STATE_HOME", ".local/state"),
    "shepherd",
  );
}

/** Where the supervisor keeps what it can make anew: what it has compiled. */
export function cacheDirectory(environment: Environment, uid: number): string {
  const chosen = environment.XDG_CACHE_HOME;
  const isSystem = uid === 0 && (chosen === undefined || !isAbsolute(chosen));
  return join(
    isSystem ? "/var/cache" : baseDirectory(environment, "XDG_CACHE_HOME", ".cache"),
    "shepherd-ts",
  );
}

/** The user's directory that `variable` names; else `fallback` in the home directory. */
export function baseDirectory(environment: Environment, variable: string, fallback: string): string {
  const chosen = environment[variable];
  // The XDG specification: a relative name is to be ignored.
  if (chosen !== undefined && isAbsolute(chosen)) return chosen;
  const home = environment.HOME;
  return join(home !== undefined && isAbsolute(home) ? home : homedir(), fallback);
}
