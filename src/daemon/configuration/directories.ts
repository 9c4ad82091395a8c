// Where configurations and what they compile to are kept: the XDG base directories.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the supervisor keeps what outlives a boot: that of the system, or of the user. */
export function stateDirectory(environment: Environment, uid: number): string {
  return join(systemOrUser(environment, uid, "XDG_STATE_HOME", "/var/lib", ".local/state"), "shepherd");
}

/** Where the supervisor keeps what it can make anew: what it has compiled. */
export function cacheDirectory(environment: Environment, uid: number): string {
  return join(systemOrUser(environment, uid, "XDG_CACHE_HOME", "/var/cache", ".cache"), "shepherd-ts");
}

/** The system's directory for root, unless `variable` names another one. */
function systemOrUser(
  environment: Environment,
  uid: number,
  variable: string,
  system: string,
  fallback: string,
): string {
  const chosen = environment[variable];
  const isSystem = uid === 0 && (chosen === undefined || !isAbsolute(chosen));
  return isSystem ? system : baseDirectory(environment, variable, fallback);
}

/** The user's directory that `variable` names; else `fallback` in the home directory. */
export function baseDirectory(environment: Environment, variable: string, fallback: string): string {
  const chosen = environment[variable];
  // The XDG specification: a relative name is to be ignored.
  if (chosen !== undefined && isAbsolute(chosen)) return chosen;
  const home = environment.HOME;
  return join(home !== undefined && isAbsolute(home) ? home : homeOfAccount(), fallback);
}

/** A container may give a user that no account has, and no HOME: then it is what a runtime says of such a one. */
function homeOfAccount(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}
