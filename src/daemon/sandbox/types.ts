// What confinement is made of: the facts that it needs of a unit, what the kernel lets us do, and what comes of both.

import type { SpawnSpec } from "../keeper/types.js";

/** What a process can be confined by, each of which a kernel or a container may withhold. */
export type Ability =
  | "mount namespace"
  | "network namespace"
  | "IPC namespace"
  | "UTS namespace"
  | "user namespace"
  | "bind mounts"
  | "read-only mounts"
  | "inaccessible paths"
  | "temporary file systems"
  | "private /proc"
  | "subset of /proc"
  | "private /dev"
  | "root directory"
  | "capability bounding set"
  | "no new privileges"
  | "system call filters"
  | "personality";

/** What this kernel lets the keeper do for its children. It is JSON. */
export interface Abilities {
  /** As `process.arch` has it: system calls are filtered for `x64` and `arm64`. */
  readonly architecture: string;
  /** Why something is not possible, such as "Operation not permitted"; what is not here is possible. */
  readonly missing: Readonly<Partial<Record<Ability, string>>>;
  /** Whether a filter needs no new privileges even where the process runs as root. */
  readonly filtersNeedNoNewPrivileges: boolean;
  /** The capabilities that the keeper has to give, as a hexadecimal mask; absent: unknown, taken for all. */
  readonly capabilities?: string;
}

/** What the settings do not say. */
export interface ConfinementFacts {
  /** Who the processes run as; absent: as root. */
  readonly uid?: number;
  readonly gid?: number;
  /**
   * The unit's directories of RuntimeDirectory=, StateDirectory= and so on, with their whole paths: they can be written to
   * whatever else is read-only, and are there below another root directory and in a temporary file system too. Of a `private`
   * directory on the way to one of a unit with DynamicUser= nothing else is there.
   */
  readonly directories?: readonly string[];
  /** Files and directories of the unit that it only reads or talks to, which are there likewise: credentials, the notification socket. */
  readonly readable?: readonly string[];
  /** The unit's own /tmp and /var/tmp, kept from start to stop. It must be there if `usesPrivateTmp` says so. */
  readonly privateTmp?: { readonly tmp: string; readonly varTmp: string };
  /** With JoinsNamespaceOf=: the namespaces of the other unit's process, which are shared where both have private ones. */
  readonly joins?: { readonly network?: string; readonly ipc?: string };
}

/** A directive that does not, or not wholly, have its effect. */
export interface Unconfined {
  readonly directive: string;
  readonly extent: "partly" | "not";
  readonly why: string;
}

export interface Confinement {
  /** To be spread into the request for a process; it has nothing of who the process runs as. */
  readonly spec: Partial<SpawnSpec>;
  readonly notApplied: readonly Unconfined[];
  /**
   * Why the unit must not be started at all, whatever `strict` says: it has its root, its files or its network elsewhere, and would
   * without that do its work in the wrong place.
   */
  readonly refusal?: string;
}
