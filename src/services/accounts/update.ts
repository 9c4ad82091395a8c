// Brings the databases of accounts up to date: read, planned and written under their lock, each replaced as a whole.

import { isRecord } from "../../daemon/definition/check.js";
import { type Directory, explained, PlaceError, within } from "../activation/directory.js";
import { openPlace, type Root } from "../activation/place.js";
import { contentsOf, ourselves, putFile, putFileAt } from "../activation/put.js";
import {
  type DatabaseName,
  type Databases,
  databaseNames,
  formatDatabase,
  parseDatabase,
} from "./databases.js";
import { type LockOptions, withAccountsLocked } from "./lock.js";
import { type AccountPlan, type LoweredAccounts, type Ours, planAccounts } from "./plan.js";

/** Where we remember which accounts are ours. */
export const accountsFile = "/var/lib/shepherd/accounts.json";

/** Plans that somebody else's changes may overtake before we give up. */
const mostAttempts = 5;
const secondsPerDay = 86_400;

/** Permissions of databases that are missing. Those that are there keep theirs: Debian's shadow is for a group, too. */
const newModes: Readonly<Record<DatabaseName, number>> = {
  passwd: 0o644,
  group: 0o644,
  shadow: 0o600,
  gshadow: 0o600,
};

/** A database as it was read. */
interface Original {
  /** Undefined where it is missing. */
  readonly text: string | undefined;
  readonly owned: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Another one after any change. */
  readonly stamp: string;
}

type Originals = Readonly<Record<DatabaseName, Original>>;

export interface UpdateOptions extends LockOptions {
  /** Called between a plan and its being carried out, where others may change what was read: for tests. */
  readonly planned?: (() => Promise<void>) | undefined;
}

/**
 * Makes the accounts of a step, and removes those of ours that are not among them.
 *
 * @returns warnings
 * @throws PlaceError, NoIdError
 */
export async function updateAccounts(
  root: Root,
  step: LoweredAccounts,
  options: UpdateOptions = {},
): Promise<readonly string[]> {
  return await within(openPlace(root, "/etc", { make: true }), async (etc) => {
    // Where all is as it should be nothing needs to be locked, and nothing be writable.
    const { plan, ours, originals } = await planNow(root, etc, step);
    if (isSame(plan.ours, ours) && changesOf(plan, originals).length === 0) return plan.warnings;
    return await withAccountsLocked(etc, options, async () => await updateLocked(root, etc, step, options));
  });
}

export interface ChangeOptions extends LockOptions {
  /** Whether nothing is to be changed, and `plan` is called all the same; default false. */
  readonly dryRun?: boolean | undefined;
}

/**
 * Replaces the databases by what `plan` makes of them, under their lock. Where it changes nothing, nothing is locked.
 * @param plan called again where somebody else has changed a database meanwhile
 * @throws PlaceError
 */
export async function changeDatabases(
  root: Root,
  { dryRun = false, ...options }: ChangeOptions,
  plan: (databases: Databases) => Databases,
): Promise<void> {
  await within(openPlace(root, "/etc", { make: !dryRun }), async (etc) => {
    const attempt = async (mayWrite: boolean): Promise<boolean> => {
      const originals = await readAll(etc);
      const changes = changesOf({ databases: plan(parsed(originals)) }, originals);
      return changes.length === 0 || (mayWrite && (await write(etc, changes, originals)));
    };
    if ((await attempt(false)) || dryRun) return;
    await withAccountsLocked(etc, options, async () => {
      for (let count = 1; !(await attempt(true)); count += 1)
        if (count >= mostAttempts)
          throw new PlaceError(etc.pathOf("passwd"), "somebody else changes accounts all the time");
    });
  });
}

async function updateLocked(
  root: Root,
  etc: Directory,
  step: LoweredAccounts,
  { planned }: UpdateOptions,
): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const { plan, ours, originals } = await planNow(root, etc, step);
    await planned?.();
    // More than there are, should we not get to the end: what we have made is ours.
    await rememberOurs(root, bothOf(ours, plan.ours));
    if (await write(etc, changesOf(plan, originals), originals)) {
      await rememberOurs(root, plan.ours);
      return plan.warnings;
    }
    if (attempt >= mostAttempts)
      throw new PlaceError(etc.pathOf("passwd"), "somebody else changes accounts all the time");
  }
}

async function planNow(
  root: Root,
  etc: Directory,
  step: LoweredAccounts,
): Promise<{ readonly plan: AccountPlan; readonly ours: Ours; readonly originals: Originals }> {
  const ours = await readOurs(root);
  const originals = await readAll(etc);
  const today = Math.floor(Date.now() / 1000 / secondsPerDay);
  return {
    plan: planAccounts(asBytes(step), { databases: parsed(originals), ours }, today),
    ours,
    originals,
  };
}

/** The same step, with a character for each byte, as databases are read. */
function asBytes(step: LoweredAccounts): LoweredAccounts {
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  return {
    ...step,
    users: step.users.map((user) => ({
      ...user,
      comment: bytes(user.comment),
      homeDirectory: bytes(user.homeDirectory),
      shell: bytes(user.shell),
    })),
  };
}

async function readAll(etc: Directory): Promise<Originals> {
  const read = await Promise.all(
    databaseNames.map(async (name) => [name, await readDatabase(etc, name)] as const),
  );
  return Object.fromEntries(read) as Record<DatabaseName, Original>;
}

async function readDatabase(etc: Directory, name: DatabaseName): Promise<Original> {
  const status = await etc.status(name);
  const missing = {
    text: undefined,
    owned: { mode: newModes[name], ...ourselves() },
    stamp: "",
  };
  if (status === undefined) return missing;
  const handle = await etc.openFile(name);
  if (handle === undefined) throw new PlaceError(etc.pathOf(name), "not a regular file");
  try {
    // Taken before it is read: a change in between is noticed.
    const { mode, uid, gid, ino, size, mtimeNs } = await explained(
      etc.pathOf(name),
      handle.stat({ bigint: true }),
    );
    return {
      // A character for each byte: a name in some old encoding comes out as it went in.
      text: await explained(etc.pathOf(name), handle.readFile("latin1")),
      owned: { mode: Number(mode) & 0o7777, uid: Number(uid), gid: Number(gid) },
      stamp: `${ino}:${size}:${mtimeNs}`,
    };
  } finally {
    await handle.close();
  }
}

function parsed(originals: Originals): Databases {
  const lines = (name: DatabaseName) => parseDatabase(name, originals[name].text ?? "");
  return {
    passwd: lines("passwd"),
    group: lines("group"),
    shadow: lines("shadow"),
    gshadow: originals.gshadow.text === undefined ? undefined : lines("gshadow"),
  };
}

/** The databases that are to have another text, with it. */
function changesOf(
  { databases }: Pick<AccountPlan, "databases">,
  originals: Originals,
): readonly (readonly [name: DatabaseName, text: string])[] {
  return databaseNames.flatMap((name) => {
    const lines = databases[name];
    const text = lines === undefined ? undefined : formatDatabase(lines);
    // One that is missing is made also where nothing is in it.
    return text === undefined || text === originals[name].text ? [] : [[name, text] as const];
  });
}

/** False where somebody else has changed something since it was read. */
async function write(
  etc: Directory,
  changes: ReturnType<typeof changesOf>,
  originals: Originals,
): Promise<boolean> {
  for (const [name, text] of changes) {
    const { owned, stamp } = originals[name];
    const now = await etc.status(name);
    if ((now === undefined ? "" : `${now.ino}:${now.size}:${now.mtimeNs}`) !== stamp) return false;
    await putFileAt(etc, name, { contents: Buffer.from(text, "latin1"), ...owned });
  }
  return true;
}

const isSame = (a: Ours, b: Ours): boolean => textOf(bothOf(a, a)) === textOf(bothOf(b, b));

const bothOf = (a: Ours, b: Ours): Ours => ({
  users: [...new Set([...a.users, ...b.users])].sort(),
  groups: [...new Set([...a.groups, ...b.groups])].sort(),
  former: {
    users: new Map([...a.former.users, ...b.former.users]),
    groups: new Map([...a.former.groups, ...b.former.groups]),
  },
});

async function readOurs(root: Root): Promise<Ours> {
  const contents = await contentsOf(root, accountsFile);
  const none = { users: {}, groups: {} };
  if (contents === undefined) return { users: [], groups: [], former: formerOf(none) };
  const data = parseJson(contents.toString());
  const former = isRecord(data) ? (data.former ?? none) : none;
  if (!isRecord(data) || !isNameList(data.users) || !isNameList(data.groups) || !isFormer(former))
    // Taking it for empty would leave accounts for ever that nobody declares.
    throw new PlaceError(accountsFile, "not what we wrote there: expected users and groups");
  return { users: data.users, groups: data.groups, former: formerOf(former) };
}

interface FormerData {
  readonly users: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, number>>;
}

const isFormer = (value: unknown): value is FormerData =>
  isRecord(value) && [value.users, value.groups].every(isNumbers);

const isNumbers = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).every(Number.isSafeInteger);

const formerOf = ({ users, groups }: FormerData): Ours["former"] => ({
  users: new Map(Object.entries(users)),
  groups: new Map(Object.entries(groups)),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isNameList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

function textOf({ users, groups, former }: Ours): string {
  const numbers = { users: Object.fromEntries(former.users), groups: Object.fromEntries(former.groups) };
  const isNone = former.users.size + former.groups.size === 0;
  const data = { version: 1, users, groups, ...(isNone ? {} : { former: numbers }) };
  return `${JSON.stringify(data, undefined, 2)}\n`;
}

async function rememberOurs(root: Root, ours: Ours): Promise<void> {
  await putFile(root, accountsFile, {
    contents: textOf(ours),
    mode: 0o644,
    ...ourselves(),
  });
}
