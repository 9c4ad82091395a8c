// Which accounts are made for files of sysusers.d, with which numbers, and what the databases hold then. A pure function.

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
} from "../../src/services/accounts/databases.js";
import { systemIds } from "../../src/services/accounts/ids.js";
import type { Diagnostics, Position } from "../diagnostics.js";
import type { GroupLine, IdRange, Sysusers, UserLine } from "./types.js";

/** Whose a file is. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface SysusersFacts {
  readonly databases: Databases;
  /** The owners of files that lines name. */
  readonly owners: ReadonlyMap<string, FileOwner>;
  /** Days since the epoch. */
  readonly today: number;
}

export interface SysusersPlan {
  readonly databases: Databases;
  /** What is made, in words. */
  readonly made: readonly string[];
}

const none: ReadonlySet<string> = new Set();

/** Nobody can log in by a password. */
const locked = "!*";

export function planSysusers(wanted: Sysusers, facts: SysusersFacts, diagnostics: Diagnostics): SysusersPlan {
  return new Planner(wanted, facts, diagnostics).plan();
}

class Planner {
  readonly #wanted: Sysusers;
  readonly #facts: SysusersFacts;
  readonly #diagnostics: Diagnostics;
  readonly #users: IdTable;
  readonly #groups: IdTable;
  readonly #newUsers = new Map<
    string,
    { readonly line: UserLine; readonly uid: number; readonly gid: number }
  >();
  readonly #newGroups = new Map<string, number>();
  /** New groups that have a line of their own. */
  #declaredGroups: ReadonlySet<string> = none;
  readonly #made: string[] = [];
  readonly #candidates: Iterator<number>;

  constructor(wanted: Sysusers, facts: SysusersFacts, diagnostics: Diagnostics) {
    this.#wanted = wanted;
    this.#facts = facts;
    this.#diagnostics = diagnostics;
    this.#users = new IdTable(facts.databases.passwd);
    this.#groups = new IdTable(facts.databases.group);
    this.#candidates = downwards(this.#ranges);
  }

  get #ranges(): readonly IdRange[] {
    return this.#wanted.ranges.length > 0 ? this.#wanted.ranges : [systemIds];
  }

  plan(): SysusersPlan {
    const { users, groups } = withImplicit(this.#wanted);
    for (const group of groups.values()) this.#addGroup(group);
    this.#declaredGroups = new Set(this.#newGroups.keys());
    for (const user of users.values()) this.#addUser(user);
    return { databases: this.#databases(), made: this.#made };
  }

  /** The number of the group; undefined where there is none left. */
  #addGroup({ name, gid, idFrom, ...position }: GroupLine, uid?: number): number | undefined {
    const existing = this.#groups.idOf(name);
    if (existing !== undefined) return existing;
    if (gid !== undefined && this.#groups.isTaken(gid))
      this.#notice(position, `the number ${gid} of the group ${name} is taken`);
    const owner = idFrom === undefined ? undefined : this.#facts.owners.get(idFrom)?.gid;
    const id =
      free(gid, (one) => !this.#groups.isTaken(one)) ??
      free(uid, (one) => this.#isFreeGroup(one, name)) ??
      free(owner, (one) => this.#isInRanges(one) && this.#isFreeGroup(one, name)) ??
      this.#next((one) => this.#isFreeGroup(one, name));
    if (id === undefined) {
      this.#failed(position, `no number is free for the group ${name}`);
      return undefined;
    }
    this.#groups.add(name, id);
    this.#newGroups.set(name, id);
    this.#made.push(`group ${name} (${id})`);
    return id;
  }

  #addUser(line: UserLine): void {
    const { name, uid, idFrom } = line;
    const gid = this.#groupFor(line);
    if (gid === undefined || this.#users.idOf(name) !== undefined) return;
    const hasOwnGroup = line.group === undefined && !this.#declaredGroups.has(name);
    const isFree = (one: number): boolean => this.#isFreeUser(one, name);
    const wanted = free(uid, hasOwnGroup ? isFree : (one) => !this.#users.isTaken(one));
    if (uid !== undefined && wanted === undefined)
      this.#notice(line, `the number ${uid} of the user ${name} is taken`);
    const owner = idFrom === undefined ? undefined : this.#facts.owners.get(idFrom)?.uid;
    const id =
      wanted ??
      free(owner, (one) => this.#isInRanges(one) && isFree(one)) ??
      free(gid, isFree) ??
      this.#next(isFree);
    if (id === undefined) {
      this.#failed(line, `no number is free for the user ${name}`);
      return;
    }
    this.#users.add(name, id);
    this.#newUsers.set(name, { line, uid: id, gid });
    this.#made.push(`user ${name} (${id})`);
  }

  /** The number of the user's primary group, which is made where it is its own. */
  #groupFor(line: UserLine): number | undefined {
    const { name, group, uid, idFrom } = line;
    if (typeof group === "number") {
      if (this.#groups.isTaken(group)) return group;
      this.#failed(line, `there is no group ${group} for the user ${name}`);
      return undefined;
    }
    if (group === undefined) {
      const { file, line: at } = line;
      return this.#addGroup({ file, line: at, name, ...(idFrom === undefined ? {} : { idFrom }) }, uid);
    }
    const gid = this.#groups.idOf(group);
    if (gid === undefined) this.#failed(line, `there is no group ${group} for the user ${name}`);
    return gid;
  }

  /** Users and groups by one name get one number, and others no number that somebody has in the other database. */
  #isFreeGroup(id: number, name: string): boolean {
    return !this.#groups.isTaken(id) && this.#users.isFreeFor(id, name);
  }

  #isFreeUser(id: number, name: string): boolean {
    return !this.#users.isTaken(id) && this.#groups.isFreeFor(id, name);
  }

  #isInRanges(id: number): boolean {
    return id > 0 && this.#ranges.some(({ least, most }) => id >= least && id <= most);
  }

  #next(isFree: (id: number) => boolean): number | undefined {
    for (;;) {
      const { value, done } = this.#candidates.next();
      if (done === true) return undefined;
      if (isFree(value)) return value;
    }
  }

  #notice({ file, line }: Position, what: string): void {
    this.#diagnostics.add({ file, line }, "notice", what, "it gets another one");
  }

  #failed({ file, line }: Position, what: string): void {
    this.#diagnostics.add({ file, line }, "error", what, "it is not made");
  }

  #databases(): Databases {
    const { databases, today } = this.#facts;
    const passwd = [...this.#newUsers].map(([name, { line, uid, gid }]): Entry => {
      const { description = "", home = "/", shell = uid === 0 ? "/bin/sh" : "/usr/sbin/nologin" } = line;
      const texts = [description, home, shell].map(asBytes);
      return { fields: [name, "x", String(uid), String(gid), ...texts] };
    });
    const shadow = [...this.#newUsers.keys()].map(
      (name): Entry => ({ fields: [name, locked, String(today), "", "", "", "", "", ""] }),
    );
    const added = this.#addedMembers();
    const group = [...this.#newGroups].map(
      ([name, gid]): Entry => ({ fields: [name, "x", String(gid), listed(added.get(name) ?? [])] }),
    );
    const gshadow = [...this.#newGroups.keys()].map(
      (name): Entry => ({ fields: [name, locked, "", listed(added.get(name) ?? [])] }),
    );
    const needsGshadow = databases.gshadow !== undefined || gshadow.length > 0;
    return {
      passwd: updated(databases.passwd, passwd, none),
      shadow: updated(databases.shadow, shadow, none),
      group: withMembers(updated(databases.group, group, none), added),
      gshadow: needsGshadow ? withMembers(updated(databases.gshadow ?? [], gshadow, none), added) : undefined,
    };
  }

  /** Who is to be in which group, sorted. */
  #addedMembers(): ReadonlyMap<string, readonly string[]> {
    const members = new Map<string, string[]>();
    for (const { user, group } of this.#wanted.memberships)
      if (this.#users.idOf(user) !== undefined)
        members.set(group, [...new Set([...(members.get(group) ?? []), user])].sort());
    return members;
  }
}

/** Databases are read with a character for each byte. */
const asBytes = (text: string): string => Buffer.from(text).toString("latin1");

const listed = (names: readonly string[]): string => names.join(",");

const free = (id: number | undefined, isFree: (id: number) => boolean): number | undefined =>
  id !== undefined && isFree(id) ? id : undefined;

/** From the highest number down, each once. */
function* downwards(ranges: readonly IdRange[]): Generator<number, undefined> {
  let last = Number.POSITIVE_INFINITY;
  for (const { least, most } of [...ranges].sort((a, b) => b.most - a.most))
    for (let id = Math.min(most, last - 1); id >= Math.max(least, 1); id -= 1) {
      yield id;
      last = id;
    }
  return undefined;
}

/** Members that no line declares are made like the others, last. */
function withImplicit({ users, groups, memberships }: Sysusers): Pick<Sysusers, "users" | "groups"> {
  const allUsers = new Map(users);
  const allGroups = new Map(groups);
  for (const { user, group, file, line } of memberships) {
    if (!allUsers.has(user)) allUsers.set(user, { file, line, name: user });
    if (!allGroups.has(group)) allGroups.set(group, { file, line, name: group });
  }
  return { users: allUsers, groups: allGroups };
}

/** Lines of group or gshadow, whose members come last in both, with more members. */
function withMembers(lines: readonly Line[], added: ReadonlyMap<string, readonly string[]>): readonly Line[] {
  return lines.map((line) => {
    if (!isEntry(line)) return line;
    const [name, second = "", third = ""] = line.fields;
    const current = membersOf(line);
    const missing = (added.get(nameOf(line)) ?? []).filter((one) => !current.includes(one));
    if (missing.length === 0) return line;
    return { fields: [name, second, third, listed([...current, ...missing].sort())] };
  });
}

/** The numbers of one database, and whose they are. */
class IdTable {
  readonly #ids = new Map<string, number>();
  readonly #names = new Map<number, string>();

  constructor(lines: readonly Line[]) {
    for (const entry of lines.filter(isEntry)) {
      const id = numberIn(entry, 2);
      if (id !== undefined && entryOf(lines, field(entry, 0)) === entry) this.add(nameOf(entry), id);
      else if (id !== undefined && !this.#names.has(id)) this.#names.set(id, nameOf(entry));
    }
  }

  add(name: string, id: number): void {
    this.#ids.set(name, id);
    if (!this.#names.has(id)) this.#names.set(id, name);
  }

  idOf(name: string): number | undefined {
    return this.#ids.get(name);
  }

  isTaken(id: number): boolean {
    return this.#names.has(id);
  }

  /** Whether nobody but `name` has it. */
  isFreeFor(id: number, name: string): boolean {
    return (this.#names.get(id) ?? name) === name;
  }
}
