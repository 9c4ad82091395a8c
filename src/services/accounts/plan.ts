// What becomes of the databases of accounts, given what is declared and what they hold. Guix owns all of /etc/passwd; a
// container has accounts from its image too. Those that no configuration of ours has declared stay as they are, so we
// remember which ones we have made: only these are removed when they are not declared any more. The numbers of those that were
// removed are remembered too: files still belong to them, and going back to an earlier system brings their owners back.

import {
  type Databases,
  type Entry,
  entryOf,
  field,
  isEntry,
  type Line,
  membersOf,
  nameOf,
  numberIn,
  updated,
} from "./databases.js";
import { allocateIds, type Wanted } from "./ids.js";
import type { AccountsStep, GroupData, UserData } from "./step.js";

/** Names of accounts that a configuration of ours has made. */
export interface Ours {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** The numbers of those that were removed. */
  readonly former: FormerIds;
}

export interface FormerIds {
  readonly users: Ids;
  readonly groups: Ids;
}

/** Numbers by names. */
type Ids = ReadonlyMap<string, number>;

export interface AccountState {
  readonly databases: Databases;
  readonly ours: Ours;
}

export interface AccountPlan extends AccountState {
  readonly warnings: readonly string[];
}

/** A step whose shells are names. */
export interface LoweredAccounts extends AccountsStep {
  readonly users: readonly (UserData & { readonly shell: string })[];
}

/**
 * @param today days since the epoch, when passwords that are new were set
 * @throws NoIdError where all numbers are taken
 */
export function planAccounts(step: LoweredAccounts, state: AccountState, today: number): AccountPlan {
  const { databases, ours } = state;
  const { passwd, group, shadow, gshadow } = databases;
  const wantedUsers = step.users.map(({ name, uid, system }) => ({ name, id: uid, system }));
  const gids = allocateIds(step.groups, knownIds(idsOf(group), ours.former.groups, step.groups));
  const uids = allocateIds(wantedUsers, knownIds(idsOf(passwd), ours.former.users, wantedUsers));
  const gidOf = (wanted: string | number): number => {
    const index = step.groups.findIndex(({ name }) => name === wanted);
    // Where there is none by that name the configuration was refused.
    return typeof wanted === "number" ? wanted : (gids[index] ?? 0);
  };
  const goneUsers = gone(ours.users, step.users);
  const users = step.users.map((user, index) =>
    userEntry(user, uids[index] ?? 0, gidOf(user.group), entryOf(passwd, user.name)),
  );
  const newPasswd = updated(passwd, users, goneUsers);
  const goneGroups = new Set(
    [...gone(ours.groups, step.groups)].filter((name) => !isPrimary(name, group, newPasswd)),
  );
  const membership = new Membership(step.users, goneUsers);
  const groups = step.groups.map((one, index) =>
    groupEntry(one, gids[index] ?? 0, entryOf(group, one.name), membership, gshadow !== undefined),
  );
  const newGroup = updated(group, groups, goneGroups).map((line) => membership.withoutGone(line));
  return {
    databases: {
      passwd: newPasswd,
      group: newGroup,
      shadow: updated(
        shadow,
        step.users.map((user) =>
          shadowEntry(user, entryOf(shadow, user.name), entryOf(passwd, user.name), today),
        ),
        goneUsers,
      ),
      gshadow:
        gshadow === undefined
          ? undefined
          : updated(
              gshadow,
              step.groups.map((one) => gshadowEntry(one, entryOf(gshadow, one.name), membership)),
              goneGroups,
            ).map((line) => membership.withoutGone(line)),
    },
    ours: {
      users: made(step.users, ours.users, passwd),
      groups: [...made(step.groups, ours.groups, group), ...keptGroups(ours.groups, step.groups, goneGroups)],
      former: {
        users: formerIds(ours.former.users, idsOf(passwd), newPasswd, goneUsers),
        groups: formerIds(ours.former.groups, idsOf(group), newGroup, goneGroups),
      },
    },
    warnings: [...sharedNumbers("user", users, newPasswd), ...sharedNumbers("group", groups, newGroup)],
  };
}

/**
 * The numbers that names have or had. One that somebody else was given meanwhile, or is declared to have, belongs to its
 * former owner no more.
 */
function knownIds(current: Ids, former: Ids, wanted: readonly Wanted[]): Ids {
  const isTaken = (name: string, id: number): boolean =>
    [...current].some(([other, has]) => has === id && other !== name) ||
    wanted.some((one) => one.id === id && one.name !== name);
  return new Map([...[...former].filter(([name, id]) => !isTaken(name, id)), ...current]);
}

/** The numbers of those that are not there any more. */
function formerIds(former: Ids, before: Ids, lines: readonly Line[], removed: ReadonlySet<string>): Ids {
  const all = [...former, ...[...before].filter(([name]) => removed.has(name))];
  return new Map(
    all
      .filter(([name]) => entryOf(lines, name) === undefined)
      .sort(([a], [b]) => (a < b ? -1 : Number(a > b))),
  );
}

const idsOf = (lines: readonly Line[]): Ids =>
  new Map(
    lines
      .filter(isEntry)
      .flatMap((entry): [string, number][] => {
        const id = numberIn(entry, 2);
        return id === undefined ? [] : [[nameOf(entry), id]];
      })
      .reverse(), // Of several by one name the first counts.
  );

function gone(ours: readonly string[], declared: readonly { readonly name: string }[]): ReadonlySet<string> {
  const names = new Set(declared.map(({ name }) => name));
  return new Set(ours.filter((name) => !names.has(name)));
}

/** Ours are those that were ours, and those that are not there yet. */
function made(
  declared: readonly { readonly name: string }[],
  ours: readonly string[],
  lines: readonly Line[],
): readonly string[] {
  return declared
    .map(({ name }) => name)
    .filter((name) => ours.includes(name) || entryOf(lines, name) === undefined)
    .sort();
}

/** Groups that are not declared any more, and could not be removed. */
const keptGroups = (
  ours: readonly string[],
  declared: readonly GroupData[],
  removed: ReadonlySet<string>,
): readonly string[] => [...gone(ours, declared)].filter((name) => !removed.has(name)).sort();

/** Whether a group is still the primary one of somebody, who would be without. */
function isPrimary(name: string, group: readonly Line[], passwd: readonly Line[]): boolean {
  const entry = entryOf(group, name);
  const gid = entry === undefined ? undefined : numberIn(entry, 2);
  return gid !== undefined && passwd.filter(isEntry).some((user) => numberIn(user, 3) === gid);
}

function userEntry(
  user: UserData & { readonly shell: string },
  uid: number,
  gid: number,
  previous: Entry | undefined,
): Entry {
  // People may have changed what is said of them, by chfn(1).
  const comment = previous === undefined || user.system ? user.comment : field(previous, 4);
  return { fields: [user.name, "x", String(uid), String(gid), comment, user.homeDirectory, user.shell] };
}

function shadowEntry(
  { name, password }: UserData,
  previous: Entry | undefined,
  user: Entry | undefined,
  today: number,
): Entry {
  // Whatever was set since belongs to whoever has set it.
  if (previous !== undefined) return previous;
  const unshadowed = user === undefined ? "x" : field(user, 1);
  const secret = unshadowed === "x" ? (password ?? "!") : unshadowed;
  return { fields: [name, secret, String(Math.max(1, today)), "", "", "", "", "", ""] };
}

function groupEntry(
  { name, password }: GroupData,
  gid: number,
  previous: Entry | undefined,
  membership: Membership,
  hasGshadow: boolean,
): Entry {
  const secret = previous === undefined ? (hasGshadow ? "x" : (password ?? "x")) : field(previous, 1);
  const members = membership.of(name, previous === undefined ? [] : membersOf(previous));
  return { fields: [name, secret, String(gid), members.join(",")] };
}

function gshadowEntry(
  { name, password }: GroupData,
  previous: Entry | undefined,
  membership: Membership,
): Entry {
  const [secret, administrators, old] =
    previous === undefined
      ? [password ?? "!", "", []]
      : [field(previous, 1), field(previous, 2), membersOf(previous)];
  return { fields: [name, secret, administrators, membership.of(name, old).join(",")] };
}

/** Who is in which group besides their primary ones. */
class Membership {
  readonly #users: readonly UserData[];
  readonly #gone: ReadonlySet<string>;

  constructor(users: readonly UserData[], goneUsers: ReadonlySet<string>) {
    this.#users = users;
    this.#gone = goneUsers;
  }

  /** Those who are declared to be members, and members that nobody has declared anything about. */
  of(group: string, previous: readonly string[]): readonly string[] {
    const declared = this.#users
      .filter(({ supplementaryGroups }) => supplementaryGroups.includes(group))
      .map(({ name }) => name);
    const others = previous.filter(
      (member) => !this.#gone.has(member) && this.#users.every(({ name }) => name !== member),
    );
    return [...declared, ...others];
  }

  /** A line of a group without members that are no users any more. */
  withoutGone(line: Line): Line {
    if (!isEntry(line) || !membersOf(line).some((member) => this.#gone.has(member))) return line;
    const [name, secret = "", third = ""] = line.fields;
    return {
      fields: [
        name,
        secret,
        third,
        membersOf(line)
          .filter((member) => !this.#gone.has(member))
          .join(","),
      ],
    };
  }
}

/** Accounts of ours that have the number of another one: to the kernel they are one. */
function sharedNumbers(what: string, declared: readonly Entry[], lines: readonly Line[]): readonly string[] {
  const names = new Set(declared.map(nameOf));
  return declared.flatMap((entry) => {
    const other = lines
      .filter(isEntry)
      .find((one) => field(one, 2) === field(entry, 2) && !names.has(nameOf(one)));
    return other === undefined
      ? []
      : [`${what} '${nameOf(entry)}' has the same number as '${nameOf(other)}': ${field(entry, 2)}`];
  });
}
