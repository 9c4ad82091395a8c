// Users and groups as a configuration declares them: the records `userAccount` and `userGroup` of Guix.

import { callSite } from "../../daemon/definition/call-site.js";
import { type Checks, check } from "../../daemon/definition/check.js";
import { fields, isCount, isText, listOf } from "../../daemon/definition/fields.js";
import type { SourcePosition } from "../../daemon/definition/types.js";
import { type Given, recordConstructor } from "../composition/record.js";
import { type FileLike, fileLikeCheck } from "../files/file-like.js";

/** A user. */
export interface UserAccount {
  readonly name: string;
  /** Encrypted, as crypt(3) makes it. Default: none, so that nobody can log in by a password until one is set. */
  readonly password: string | undefined;
  /** Default: the one it has, or the next that is free. */
  readonly uid: number | undefined;
  /** The primary group, by its name or number. */
  readonly group: string | number;
  /** Names of more groups; default: none. */
  readonly supplementaryGroups: readonly string[];
  /** The user's full name, or what it is for; default: empty. */
  readonly comment: string;
  /** An absolute name; default: `/home/NAME`. */
  readonly homeDirectory: string | undefined;
  /** Whether the home directory is made where it is missing; default true. */
  readonly createHomeDirectory: boolean;
  /** Default: `/bin/bash`. */
  readonly shell: FileLike;
  /** Whether it is an account of the system: its number is below 1000; default false. */
  readonly system: boolean;
}

/** A group of users. */
export interface UserGroup {
  readonly name: string;
  /** Encrypted, as crypt(3) makes it; default: none. */
  readonly password: string | undefined;
  /** Default: the one it has, or the next that is free. */
  readonly id: number | undefined;
  /** Whether it is a group of the system: its number is below 1000; default false. */
  readonly system: boolean;
}

/** Files put into new home directories: a name relative to it, and what is there. */
export type Skeleton = readonly [name: string, file: FileLike];

/** The largest number; the one above means "none" to the system calls. */
const largestId = 2 ** 32 - 2;
const id = check<number>(`a number from 0 to ${largestId}`, (value) => isCount(value) && value <= largestId);

/** As useradd(8) of Debian takes them, but longer: an account of Guix's own services has a name of 35 letters. */
const isAccountName = (value: unknown): boolean =>
  typeof value === "string" && /^[a-z_][a-z0-9_.-]{0,62}[a-z0-9_.$-]?$/i.test(value);
const accountName = check<string>(
  "a name of up to 64 letters, digits and any of _.-, the first of which is a letter or _",
  isAccountName,
);

/** A field of a line of /etc/passwd. */
const isPlain = (value: unknown): boolean => isText(value) && !/[:\p{Cc}]/u.test(value);
const plain = check<string>("a string without colons and control characters", isPlain);

const userChecks: Checks<UserAccount> = {
  name: accountName,
  password: check<string>("an encrypted password, without colons", isPlain),
  uid: id,
  group: check<string | number>(
    "the name of a group or a number",
    (value) => isAccountName(value) || id.matches(value),
  ),
  supplementaryGroups: listOf<string>("a list of names of groups", isAccountName),
  comment: plain,
  homeDirectory: check<string>(
    "an absolute file name without colons",
    (value) => isPlain(value) && String(value).startsWith("/"),
  ),
  createHomeDirectory: fields.flag,
  shell: fileLikeCheck,
  system: fields.flag,
};

const makeUser = recordConstructor<UserAccount, "name" | "group">("userAccount", userChecks, {
  password: undefined,
  uid: undefined,
  supplementaryGroups: [],
  comment: "",
  homeDirectory: undefined,
  createHomeDirectory: true,
  shell: "/bin/bash",
  system: false,
});

/**
 * A user of the system.
 *
 * @example userAccount({ name: "alice", group: "users", supplementaryGroups: ["wheel"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const userAccount: typeof makeUser = Object.assign(
  (given: UserAccountOptions): UserAccount => {
    const account = makeUser(given);
    positions.set(account, callSite());
    return account;
  },
  { isInstance: makeUser.isInstance, check: makeUser.check },
);

const positions = new WeakMap<UserAccount, SourcePosition | undefined>();

/** Where the account was made, in the compiled module; undefined where that is not known. */
export const userAccountPosition = (account: UserAccount): SourcePosition | undefined =>
  positions.get(account);

/** What `userAccount` takes. */
export type UserAccountOptions = Given<UserAccount, "name" | "group">;

/** The user's home directory: the one declared, or `/home/NAME`. */
export function homeDirectoryOf({ name, homeDirectory }: UserAccount): string {
  return homeDirectory ?? `/home/${name}`;
}

/**
 * A group of users.
 *
 * @example userGroup({ name: "tor", system: true })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const userGroup = recordConstructor<UserGroup, "name">(
  "userGroup",
  {
    name: accountName,
    password: check<string>("an encrypted password, without colons", isPlain),
    id,
    system: fields.flag,
  },
  { password: undefined, id: undefined, system: false },
);

/** Whether `value` is a skeleton: a pair of a relative name and a file-like value. */
export function isSkeleton(value: unknown): value is Skeleton {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    isText(value[0]) &&
    value[0].split("/").every((part) => !["", ".", ".."].includes(part)) &&
    fileLikeCheck.matches(value[1])
  );
}
