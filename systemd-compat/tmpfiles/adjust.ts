// Permissions and owners, as a line of tmpfiles.d gives them to something that is there.

import { constants } from "node:fs";
import { chmod, chown, open, readFile } from "node:fs/promises";
import { type Directory, explained, PlaceError } from "../../src/services/activation/directory.js";
import type { Line, Mode, Owner } from "./types.js";

/** Node has no name for it: a descriptor that stands for a file without opening it. */
const O_PATH = 0o10000000;

export type Owned = Pick<Line, "mode" | "user" | "group">;

/**
 * Gives something in a directory its permissions and owner. A link itself is meant, and has no permissions.
 * @param isNew whether we have just made it
 */
export async function adjust(
  directory: Directory,
  name: string,
  owned: Owned,
  isNew: boolean,
): Promise<void> {
  if (owned.mode === undefined && owned.user === undefined && owned.group === undefined) return;
  const path = directory.pathOf(name);
  const handle = await explained(path, open(directory.at(name), O_PATH | constants.O_NOFOLLOW));
  try {
    const status = await explained(path, handle.stat());
    if (!status.isDirectory() && status.nlink > 1 && !(await hardLinksAreProtected()))
      throw new PlaceError(path, "it has other names, by which somebody may have brought it here", "EPERM");
    const now = status.mode & 0o7777;
    const wanted = status.isSymbolicLink()
      ? now
      : modeFor(owned.mode, status.mode, status.isDirectory(), isNew);
    const uid = idFor(owned.user, status.uid, isNew);
    const gid = idFor(owned.group, status.gid, isNew);
    const changesOwner = uid !== status.uid || gid !== status.gid;
    // The file that the descriptor stands for, whatever its name leads to by now.
    const place = `/proc/self/fd/${handle.fd}`;
    if (changesOwner) {
      // Nobody is to have for a moment what neither the old nor the new permissions allow.
      if (wanted !== now) await explained(path, chmod(place, now & wanted));
      if (status.isSymbolicLink()) await directory.chownLink(name, uid, gid);
      else await explained(path, chown(place, uid, gid));
    }
    // A change of the owner clears bits of set-user-ID programs.
    if (!status.isSymbolicLink() && (changesOwner || wanted !== now))
      await explained(path, chmod(place, wanted));
  } finally {
    await handle.close();
  }
}

function idFor(owner: Owner | undefined, current: number, isNew: boolean): number {
  return owner === undefined || (owner.onlyNew && !isNew) ? current : owner.id;
}

/** The permissions that something with these (and its kind) gets. */
export function modeFor(
  mode: Mode | undefined,
  current: number,
  isDirectory: boolean,
  isNew: boolean,
): number {
  if (mode === undefined || (mode.onlyNew && !isNew)) return current & 0o7777;
  if (!mode.masked) return mode.value;
  const kept = [0o111, 0o222, 0o444].reduce(
    (value, bits) => ((current & bits) === 0 ? value & ~bits : value),
    mode.value,
  );
  return isDirectory ? kept : kept & 0o777;
}

/** Where the kernel lets users make other names of files that are not theirs, no such file is to change hands. */
async function hardLinksAreProtected(): Promise<boolean> {
  try {
    return (await readFile("/proc/sys/fs/protected_hardlinks", "utf8")).trim() !== "0";
  } catch {
    return false;
  }
}
