// What files of sysusers.d(5) say, once they are read.

import type { Position } from "../diagnostics.js";

/** A user that is to exist. */
export interface UserLine extends Position {
  readonly name: string;
  readonly uid?: number;
  /** The primary group, by number or name, which must exist; absent: the group of the same name, which is made. */
  readonly group?: number | string;
  /** The file whose owner says the number. */
  readonly idFrom?: string;
  readonly description?: string;
  readonly home?: string;
  readonly shell?: string;
}

/** A group that is to exist. */
export interface GroupLine extends Position {
  readonly name: string;
  readonly gid?: number;
  readonly idFrom?: string;
}

/** A user that is to be in a group. */
export interface Membership extends Position {
  readonly user: string;
  readonly group: string;
}

/** Numbers that may be given, both ends included. */
export interface IdRange {
  readonly least: number;
  readonly most: number;
}

/** All files together. */
export interface Sysusers {
  readonly users: ReadonlyMap<string, UserLine>;
  readonly groups: ReadonlyMap<string, GroupLine>;
  readonly memberships: readonly Membership[];
  /** Empty: the usual ones. */
  readonly ranges: readonly IdRange[];
}
