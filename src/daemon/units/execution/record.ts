// What is remembered of a unit from its start to its stop: which start it is, and where its own /tmp is. It is a file, so
// that the next daemon goes on with the same.

import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { listNames } from "../../../../systemd-compat/bounded-read.js";
import { isFileName } from "../../../../systemd-compat/parser/path.js";
import { Directory, within } from "../../../services/activation/directory.js";
import { removeAt } from "../../../services/activation/remove.js";
import { isRecord } from "../../definition/check.js";
import { readOwn, writeOwn } from "./own-files.js";
import type { Places } from "./places.js";

export interface UnitRecord {
  /** The unit's name. */
  readonly unit?: string;
  /** 32 hexadecimal digits. */
  readonly invocation: string;
  /** The name of the directories below /tmp and /var/tmp with its own ones, made or about to be. */
  readonly privateTmp?: string;
}

/** What is remembered, and whether that begins now. */
export interface KeptRecord extends UnitRecord {
  readonly isNew: boolean;
}

const suffix = ".unit";
/** Services that are looked at. */
const mostEntries = 65_536;

/** The directory of what is kept for a service. No service's name has a slash, so that it is a file's name. */
export function ownDirectory(places: Places, service: string): string {
  return join(places.own, `${service}${suffix}`);
}

const fileOf = (places: Places, service: string): string => join(ownDirectory(places, service), "record");

/** Undefined where nothing is remembered, or what is can be no record of ours. */
export async function readRecord(places: Places, service: string): Promise<UnitRecord | undefined> {
  return await readRecordFile(fileOf(places, service));
}

async function readRecordFile(file: string): Promise<UnitRecord | undefined> {
  const text = await readOwn(file);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { invocation, privateTmp, unit } = value;
    if (typeof invocation !== "string" || !/^[0-9a-f]{32}$/.test(invocation)) return undefined;
    const isName =
      typeof privateTmp === "string" && privateTmp.startsWith(privatePrefix) && isFileName(privateTmp);
    return {
      invocation,
      ...(typeof unit === "string" && isFileName(unit) ? { unit } : {}),
      ...(isName ? { privateTmp } : {}),
    };
  } catch {
    return undefined;
  }
}

/** What is remembered; noted now, where nothing was. With `privateTmp` it has a name for those directories. */
export async function keepRecord(
  places: Places,
  service: string,
  unit: string,
  privateTmp: boolean,
): Promise<KeptRecord> {
  const before = await readRecord(places, service);
  if (before !== undefined && (!privateTmp || before.privateTmp !== undefined))
    return { ...before, isNew: false };
  const record: UnitRecord = {
    unit,
    invocation: before?.invocation ?? randomBytes(16).toString("hex"),
    ...(privateTmp ? { privateTmp: privateName(unit) } : {}),
  };
  await writeOwn(fileOf(places, service), JSON.stringify(record));
  return { ...record, isNew: before === undefined };
}

const privatePrefix = "shepherd-private-";

/** Nobody can guess it: whoever may write into /tmp is not there first. A unit's name may be as long as a file's. */
function privateName(unit: string): string {
  return `${privatePrefix}${unit.slice(0, 180)}-${randomBytes(8).toString("hex")}`;
}

/** The directories of that name, each of which has the unit's `tmp` in it. */
export function privateDirectories(
  { temporary, persistentTemporary }: Places,
  name: string,
): readonly [tmp: string, varTmp: string] {
  return [join(temporary, name), join(persistentTemporary, name)];
}

/** Removes a unit's own /tmp and /var/tmp. */
export async function removePrivateDirectories(places: Places, name: string): Promise<void> {
  for (const directory of privateDirectories(places, name))
    await within(Directory.open(dirname(directory)), (parent) => removeAt(parent, name));
}

/** The records of a directory of units, which may be of an earlier keeper. */
export async function recordsIn(
  directory: string,
): Promise<readonly { readonly entry: string; readonly record: UnitRecord }[]> {
  const entries = ((await listNames(directory, mostEntries)) ?? []).filter((name) => name.endsWith(suffix));
  const records = await Promise.all(
    entries.map(async (entry) => {
      const record = await readRecordFile(join(directory, entry, "record")).catch(() => undefined);
      return record === undefined ? [] : [{ entry, record }];
    }),
  );
  return records.flat();
}
