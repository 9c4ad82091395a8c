// Symbolic links that change in one step, and outlive a power failure once they have changed.

import { randomUUID } from "node:crypto";
import { open, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes a link, or lets the one that is there point elsewhere. */
export async function pointLink(link: string, target: string): Promise<void> {
  if ((await targetOf(link)) === target) return;
  const temporary = `${link}.${randomUUID()}.new`;
  await symlink(target, temporary);
  try {
    await rename(temporary, link);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(link));
}

/** Makes a link where nothing is; false where something is. */
export async function makeLink(link: string, target: string): Promise<boolean> {
  try {
    await symlink(target, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  await syncDirectory(dirname(link));
  return true;
}

/** Where a link points, as it says; undefined where there is none. */
export async function targetOf(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL") return undefined;
    throw error;
  }
}

/** What was made, renamed or removed in the directory is so after a power failure too. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
