// Who owns what is made: names of users and groups as numbers, by the databases below the root that is activated.

import { AccountError, type Accounts, parseAccounts } from "../../daemon/accounts.js";
import type { Root } from "./place.js";
import { contentsOf } from "./put.js";

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Undefined where nobody has an entry. */
  readonly name?: string | undefined;
  readonly home?: string | undefined;
}

/** The accounts below a root, as they are now. */
export async function readAccounts(root: Root): Promise<Accounts> {
  const read = async (path: string): Promise<string> => (await contentsOf(root, path))?.toString() ?? "";
  return parseAccounts(await read("/etc/passwd"), await read("/etc/group"));
}

/**
 * The number of a user or group, and of the user's own group.
 *
 * @throws AccountError where there is none by that name
 */
export function uidOf(user: string | number, { users }: Accounts): Identity {
  const found = users.find(({ name, uid }) => (typeof user === "number" ? uid === user : name === user));
  if (found !== undefined) return found;
  if (typeof user === "number") return { uid: user, gid: user };
  throw new AccountError(`user "${user}" does not exist`);
}

/** @throws AccountError where there is none by that name */
export function gidOf(group: string | number, { groups }: Accounts): number {
  if (typeof group === "number") return group;
  const found = groups.find(({ name }) => name === group);
  if (found !== undefined) return found.gid;
  throw new AccountError(`group "${group}" does not exist`);
}
