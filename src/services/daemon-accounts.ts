// The accounts under which definitions run their programs: a group of the system and a user that nobody logs in as.

import { type UserAccount, type UserGroup, userAccount, userGroup } from "./accounts/records.js";

/** The shell of accounts that nobody logs in as. */
export const nologin = "/usr/sbin/nologin";

export interface DaemonAccount {
  /** Default: `user`. */
  readonly group?: string;
  readonly user: string;
  readonly comment: string;
  /** Default `/var/empty`, in which nothing is and nobody may write. */
  readonly homeDirectory?: string;
  /** Whether the home directory is made, as the user's own with 0700; default true. */
  readonly createHomeDirectory?: boolean;
  /** Default `nologin`. */
  readonly shell?: string;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** The group and the user of a program that runs in the background; those of its name that exist already are adopted. */
export function daemonAccounts({
  user,
  group = user,
  comment,
  homeDirectory = "/var/empty",
  createHomeDirectory = true,
  shell = nologin,
  uid,
  gid,
}: DaemonAccount): readonly [UserGroup, UserAccount] {
  return [
    userGroup({ name: group, system: true, id: gid }),
    userAccount({
      name: user,
      group,
      system: true,
      comment,
      homeDirectory,
      createHomeDirectory,
      shell,
      uid,
    }),
  ];
}
