// Users that exist while a unit runs: DynamicUser=. A uid of systemd's range, which is found by the name and is the same
// until the stop; a file for each says whose it is, so that no other unit gets it.

import { createHash } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readText } from "../../../../systemd-compat/bounded-read.js";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import { parseUnitName } from "../../../../systemd-compat/names.js";
import { isAccountName, parseAccountId } from "../../../../systemd-compat/parser/account-name.js";
import { AccountError, type Accounts, identityOf, parseAccounts } from "../../accounts.js";
import type { Host } from "../../constructors/host.js";
import { isRecord } from "../../definition/check.js";
import { codeOf, readOwn, writeOwn } from "./own-files.js";
import type { Places } from "./places.js";
import { inTurn } from "./turns.js";
import type { UnitIdentity } from "./types.js";

/** The range of dynamic users, its ends included. */
export const dynamicIds = { least: 61_184, most: 65_519 } as const;

const mostBytes = 16 * 2 ** 20;

/** Who has a dynamic uid. */
export interface DynamicUser {
  readonly uid: number;
  readonly name: string;
  /** Services that run as it: those that name the same user share one. */
  readonly services: readonly string[];
}

const directoryOf = (places: Places): string => join(places.own, "dynamic-users");

/** The name that User= has, or what the unit's name makes. */
export function dynamicName(unit: string, user: string | undefined): string {
  if (user !== undefined) return user;
  const prefix = parseUnitName(unit)?.prefix ?? unit;
  if (isAccountName(prefix) && /^[A-Za-z_][A-Za-z0-9_-]{0,30}$/.test(prefix)) return prefix;
  return `_du${createHash("sha256").update(prefix).digest("hex").slice(0, 16)}`;
}

/**
 * The uid that a name gets: one that owns what the name had before, else the one that the name leads to, else the next
 * that is free; undefined where all are taken.
 */
export function chooseId(
  name: string,
  preferred: readonly number[],
  isFree: (id: number) => boolean,
): number | undefined {
  const { least, most } = dynamicIds;
  const size = most - least + 1;
  const first = createHash("sha256").update(name).digest().readUInt32BE(0) % size;
  const isOne = (id: number): boolean => id >= least && id <= most && isFree(id);
  const owner = preferred.find(isOne);
  if (owner !== undefined) return owner;
  for (let step = 0; step < size; step += 1) {
    const id = least + ((first + step) % size);
    if (isOne(id)) return id;
  }
  return undefined;
}

/**
 * The dynamic user of a service, which is noted before this resolves; undefined where User= names one that exists, which is
 * taken instead.
 */
export async function dynamicIdentity(
  host: Pick<Host, "report">,
  service: string,
  unit: string,
  settings: ServiceSettings,
  places: Places,
): Promise<UnitIdentity | undefined> {
  const accounts = await readAccounts(places);
  const name = dynamicName(unit, settings.User);
  if (parseAccountId(name) !== undefined || accounts.users.some((one) => one.name === name)) return undefined;
  const { Group: group, SupplementaryGroups: supplementaryGroups = [] } = settings;
  // Groups that exist are taken, and nothing of ours is inherited.
  const named = groupsOf(group, name, supplementaryGroups, accounts);
  const uid = await inTurn(directoryOf(places), () => claim(host, service, name, settings, places, accounts));
  const gid = named.gid ?? uid;
  return { uid, gid, groups: [...new Set([gid, ...named.groups])], name, dynamic: true };
}

/** @throws AccountError */
function groupsOf(
  group: string | undefined,
  user: string,
  supplementaryGroups: readonly string[],
  accounts: Accounts,
): { readonly gid: number | undefined; readonly groups: readonly number[] } {
  const { groups = [] } =
    supplementaryGroups.length === 0 ? {} : identityOf({ supplementaryGroups }, accounts);
  if (group === undefined || group === user) return { gid: undefined, groups };
  try {
    return { gid: identityOf({ group }, accounts).gid, groups };
  } catch (error) {
    // A group that does not exist either is as dynamic as the user.
    if (error instanceof AccountError) return { gid: undefined, groups };
    throw error;
  }
}

async function readAccounts({ passwd, group }: Places): Promise<Accounts> {
  const [users = "", groups = ""] = await Promise.all([
    readText(passwd, mostBytes),
    readText(group, mostBytes),
  ]);
  return parseAccounts(users, groups);
}

async function claim(
  host: Pick<Host, "report">,
  service: string,
  name: string,
  settings: ServiceSettings,
  places: Places,
  accounts: Accounts,
): Promise<number> {
  const users = await readUsers(host, places);
  const own = users.find((user) => user.name === name);
  if (own !== undefined) {
    if (!own.services.includes(service)) await note(places, { ...own, services: [...own.services, service] });
    return own.uid;
  }
  const taken = new Set([
    ...users.map(({ uid }) => uid),
    ...accounts.users.flatMap(({ uid, gid }) => [uid, gid]),
    ...accounts.groups.map(({ gid }) => gid),
  ]);
  const uid = chooseId(name, await owners(settings, places), (id) => !taken.has(id));
  if (uid === undefined)
    throw new Error(`no uid from ${dynamicIds.least} to ${dynamicIds.most} is free for user "${name}"`);
  await note(places, { uid, name, services: [service] });
  return uid;
}

/** Who owns the directories that the unit had when it ran before. */
async function owners(settings: ServiceSettings, places: Places): Promise<readonly number[]> {
  const directories = [
    ...(settings.StateDirectory ?? []).map(({ path }) => join(places.state, "private", path)),
    ...(settings.CacheDirectory ?? []).map(({ path }) => join(places.cache, "private", path)),
    ...(settings.LogsDirectory ?? []).map(({ path }) => join(places.logs, "private", path)),
  ];
  const found = await Promise.all(directories.map((path) => lstat(path).catch(() => undefined)));
  return found.flatMap((status) => (status?.isDirectory() === true ? [status.uid] : []));
}

const fileOf = (places: Places, uid: number): string => join(directoryOf(places), String(uid));

async function note(places: Places, { uid, name, services }: DynamicUser): Promise<void> {
  await writeOwn(fileOf(places, uid), JSON.stringify({ name, services }));
}

/** All that are noted. What is no note of ours still takes its uid, and is reported. */
export async function readUsers(host: Pick<Host, "report">, places: Places): Promise<readonly DynamicUser[]> {
  const names = await readdir(directoryOf(places)).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  const ids = names.filter((name) => /^\d{1,10}$/.test(name)).map(Number);
  return await Promise.all(
    ids.map(async (uid) => {
      const user = parseUser(uid, (await readOwn(fileOf(places, uid))) ?? "");
      if (user === undefined) host.report(`read ${fileOf(places, uid)}: it says of no dynamic user`);
      return user ?? { uid, name: "", services: [] };
    }),
  );
}

function parseUser(uid: number, text: string): DynamicUser | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || typeof value.name !== "string" || !Array.isArray(value.services))
      return undefined;
    const services = value.services.filter((one): one is string => typeof one === "string");
    return { uid, name: value.name, services };
  } catch {
    return undefined;
  }
}

/** The service no longer runs as its dynamic user, which is forgotten with the last one that did. */
export async function releaseDynamicUser(
  host: Pick<Host, "report">,
  service: string,
  places: Places,
): Promise<void> {
  await inTurn(directoryOf(places), async () => {
    for (const user of await readUsers(host, places)) {
      if (!user.services.includes(service)) continue;
      const services = user.services.filter((one) => one !== service);
      if (services.length === 0) await rm(fileOf(places, user.uid), { force: true });
      else await note(places, { ...user, services });
    }
  });
}
