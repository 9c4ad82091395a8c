// The accounts that every system has.

import { type UserAccount, type UserGroup, userAccount, userGroup } from "./records.js";

const group = (name: string, id?: number): UserGroup => userGroup({ name, id, system: true });

/** The groups of every system. Where Debian has one of them, it keeps its number: `tty` is 5 there, and `users` 100. */
export const baseGroups: readonly UserGroup[] = Object.freeze([
  group("root", 0),
  group("wheel"),
  group("users"),
  group("nogroup", 65_534),
  group("tty"),
  group("dialout"),
  group("kmem"),
  group("input"),
  group("video"),
  group("audio"),
  group("netdev"),
  group("lp"),
  group("disk"),
  group("floppy"),
  group("cdrom"),
  group("tape"),
  group("kvm"),
]);

/** The user with all rights. A system that declares no other has this one. */
export const rootAccount: UserAccount = userAccount({
  name: "root",
  uid: 0,
  group: "root",
  comment: "System administrator",
  homeDirectory: "/root",
  system: true,
});

/** The users of every system, besides root. */
export const baseUserAccounts: readonly UserAccount[] = Object.freeze([
  userAccount({
    name: "nobody",
    uid: 65_534,
    group: "nogroup",
    comment: "Unprivileged user",
    homeDirectory: "/nonexistent",
    createHomeDirectory: false,
    shell: "/usr/sbin/nologin",
    system: true,
  }),
]);
