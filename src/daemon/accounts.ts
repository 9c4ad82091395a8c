// Users and groups, from /etc/passwd and /etc/group: the keeper and its helper use no name service, so names become
// numbers here.

import { readFile, stat } from "node:fs/promises";
import type { Identity } from "./constructors/host.js";
import type { ProcessOptions } from "./definition/types.js";
import { errorText } from "./error-text.js";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Absent where the user has no entry. */
  readonly home?: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface Accounts {
  readonly users: readonly User[];
  readonly groups: readonly Group[];
}

/** A name that stands for nobody. */
export class AccountError extends Error {
  override readonly name = "AccountError";
}

const passwdFile = "/etc/passwd";
const groupFile = "/etc/group";

/** Lines that are malformed are passed over, as by every libc. */
export function parseAccounts(passwd: string, group: string): Accounts {
  const users = passwd.split("\n").flatMap((line): User[] => {
    const [name, , uid, gid, , home = ""] = line.split(":");
    return name === undefined || !isNumber(uid) || !isNumber(gid)
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid), ...(home === "" ? {} : { home }) }];
  });
  const groups = group.split("\n").flatMap((line): Group[] => {
    const [name, , gid, members = ""] = line.split(":");
    return name === undefined || !isNumber(gid)
      ? []
      : [{ name, gid: Number(gid), members: members.split(",").filter((member) => member !== "") }];
  });
  return { users, groups };
}

/** The largest id; the one above it means "leave it as it is" to the kernel. */
const maximumId = 2 ** 32 - 2;

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^[0-9]{1,10}$/.test(text) && Number(text) <= maximumId;
}

type Wanted = Pick<ProcessOptions, "user" | "group" | "supplementaryGroups">;

/**
 * The ids that a process gets. With `user` and no `group` these are the user's own group and supplementary groups, and
 * none of ours. A number needs no entry; a name without one throws AccountError.
 */
export function identityOf(wanted: Wanted, accounts: Accounts): Identity {
  const { user, group, supplementaryGroups = [] } = wanted;
  const account = user === undefined ? undefined : findUser(user, accounts);
  const gid = group === undefined ? account?.gid : groupId(group, accounts);
  const added = supplementaryGroups.map((one) => groupId(one, accounts));
  const changes = user !== undefined || group !== undefined || supplementaryGroups.length > 0;
  if (!changes) return {};
  const own = accounts.groups.filter(
    ({ members }) => account !== undefined && members.includes(account.name),
  );
  const groups = [...new Set([...(gid === undefined ? [] : [gid]), ...own.map((one) => one.gid), ...added])];
  return {
    ...(account === undefined ? {} : { uid: account.uid }),
    ...(account?.home === undefined ? {} : { account: { name: account.name, home: account.home } }),
    ...(gid === undefined ? {} : { gid }),
    groups,
  };
}

/** A name comes before a number that is written the same. */
function findUser(user: string | number, { users }: Accounts): User {
  const uid = numberOf(user);
  const found = users.find(({ name }) => name === user) ?? users.find((entry) => entry.uid === uid);
  if (found !== undefined) return found;
  // A user that has no entry has no group of its own: the number stands for both.
  if (uid !== undefined) return { name: "", uid, gid: uid };
  throw new AccountError(`user "${user}" does not exist (looked in ${passwdFile})`);
}

function groupId(group: string | number, { groups }: Accounts): number {
  const gid = groups.find(({ name }) => name === group)?.gid ?? numberOf(group);
  if (gid !== undefined) return gid;
  throw new AccountError(`group "${group}" does not exist (looked in ${groupFile})`);
}

function numberOf(id: string | number): number | undefined {
  return typeof id === "number" ? id : isNumber(id) ? Number(id) : undefined;
}

/** Resolves identities over the two files, which are read again whenever they changed. */
export function identityResolver(
  passwd: string = passwdFile,
  group: string = groupFile,
): (wanted: Wanted) => Promise<Identity> {
  let cached: { readonly stamp: string; readonly accounts: Accounts } | undefined;

  return async (wanted) => {
    const { user, group: chosen, supplementaryGroups } = wanted;
    if (user === undefined && chosen === undefined && supplementaryGroups === undefined) return {};
    // Taken before the files are read: a change in between is noticed the next time.
    const stamp = (await Promise.all([stampOf(passwd), stampOf(group)])).join();
    if (cached?.stamp !== stamp) {
      const texts = await Promise.all([readOrEmpty(passwd), readOrEmpty(group)]);
      cached = { stamp, accounts: parseAccounts(...texts) };
    }
    return identityOf(wanted, cached.accounts);
  };
}

/** The daemon's: over the machine's own files. */
export const resolveIdentity = identityResolver();

/** A minimal container may have neither file: then there are no names. */
async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new AccountError(`read ${file}: ${errorText(error)}`);
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return "absent"; // Or unreadable, of which reading tells.
  }
}
