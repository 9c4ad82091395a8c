// Gives a directory, with all that is in it, to whoever is to have it now. What lies in it was made by users, who may change
// it meanwhile: everything is held open while it is looked at and given away.

import { constants } from "node:fs";
import { chown, open } from "node:fs/promises";
import type { Directory, Name } from "../../../services/activation/directory.js";
import { codeOf } from "./own-files.js";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** open(2)'s, which Node does not name: the thing itself, whatever it is, and not what is in it. */
const O_PATH = 0o10000000;
const itself = O_PATH | constants.O_NOFOLLOW;

/**
 * Nothing is done where the directory itself has that owner: it comes last, so that whoever dies before begins again. What
 * belongs to neither its former owner nor to its new one is left alone: a user may have linked to it what others own.
 */
export async function giveTree(directory: Directory, owner: Owner): Promise<void> {
  const former = await directory.handle.stat();
  if (former.uid === owner.uid && former.gid === owner.gid) return;
  await giveBelow(directory, owner, former.uid);
  await directory.handle.chown(owner.uid, owner.gid);
}

async function giveBelow(directory: Directory, owner: Owner, former: number): Promise<void> {
  const isTheirs = (uid: number): boolean => former === 0 || uid === former || uid === owner.uid;
  for (const name of await directory.rawNames()) {
    const status = await directory.status(name);
    if (status === undefined || !isTheirs(Number(status.uid))) continue;
    if (!status.isDirectory()) {
      await giveOne(directory, name, owner, isTheirs);
      continue;
    }
    const below = await directory.enter(name).catch((error: unknown) => orGone(error));
    if (below === undefined) continue;
    try {
      if (!isTheirs((await below.handle.stat()).uid)) continue;
      await giveBelow(below, owner, former);
      await below.handle.chown(owner.uid, owner.gid);
    } finally {
      await below.close();
    }
  }
}

async function giveOne(
  directory: Directory,
  name: Name,
  { uid, gid }: Owner,
  isTheirs: (uid: number) => boolean,
): Promise<void> {
  const handle = await open(directory.at(name), itself).catch((error: unknown) => orGone(error));
  if (handle === undefined) return;
  try {
    const status = await handle.stat();
    if (isTheirs(status.uid)) await chown(`/proc/self/fd/${handle.fd}`, uid, gid);
  } finally {
    await handle.close();
  }
}

/** What was removed or replaced meanwhile is nobody's. */
function orGone(error: unknown): undefined {
  if (["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error) ?? "")) return undefined;
  throw error;
}
