// The activation step for accounts: what the databases of users and groups are to hold.

import type { FileLike } from "../files/file-like.js";

/** A user as data: what `userAccount` makes, with every default. */
export interface UserData {
  readonly name: string;
  readonly password?: string | undefined;
  readonly uid?: number | undefined;
  readonly group: string | number;
  readonly supplementaryGroups: readonly string[];
  readonly comment: string;
  readonly homeDirectory: string;
  readonly createHomeDirectory: boolean;
  readonly shell: FileLike;
  readonly system: boolean;
}

/** A group as data: what `userGroup` makes. */
export interface GroupData {
  readonly name: string;
  readonly password?: string | undefined;
  readonly id?: number | undefined;
  readonly system: boolean;
}

/** These users and groups exist; those of ours that are not among them are gone, and others stay. */
export interface AccountsStep {
  readonly step: "accounts";
  readonly users: readonly UserData[];
  readonly groups: readonly GroupData[];
}
