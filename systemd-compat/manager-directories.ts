// The directories of a manager of units, for which specifiers stand: the system's, or a user's.

/** Where a manager keeps things: the system's, or a user's. */
export interface ManagerDirectories {
  /** `%t`: `/run`, or `$XDG_RUNTIME_DIR`. */
  readonly runtime: string;
  /** `%S`: `/var/lib`, or `$XDG_CONFIG_HOME`. */
  readonly state: string;
  /** `%C`: `/var/cache`, or `$XDG_CACHE_HOME`. */
  readonly cache: string;
  /** `%L`: `/var/log`, or `$XDG_CONFIG_HOME/log`. */
  readonly logs: string;
  /** `%E`: `/etc`, or `$XDG_CONFIG_HOME`. */
  readonly configuration: string;
  /** `%T`: `/tmp`. */
  readonly temporary: string;
  /** `%V`: `/var/tmp`. */
  readonly persistentTemporary: string;
}

export const systemDirectories: ManagerDirectories = {
  runtime: "/run",
  state: "/var/lib",
  cache: "/var/cache",
  logs: "/var/log",
  configuration: "/etc",
  temporary: "/tmp",
  persistentTemporary: "/var/tmp",
};

/** A user's directories, by the environment and the home directory. */
export function userDirectories(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  uid: number,
): ManagerDirectories {
  const configuration = environment.XDG_CONFIG_HOME ?? `${home}/.config`;
  return {
    runtime: environment.XDG_RUNTIME_DIR ?? `/run/user/${uid}`,
    state: configuration,
    cache: environment.XDG_CACHE_HOME ?? `${home}/.cache`,
    logs: `${configuration}/log`,
    configuration,
    temporary: "/tmp",
    persistentTemporary: "/var/tmp",
  };
}
