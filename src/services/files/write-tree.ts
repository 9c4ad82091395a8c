// Writes a tree as a directory: all of it or nothing, with the same bytes, permissions and times whoever writes it when.

import { randomUUID } from "node:crypto";
import { lstat, lutimes, mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { directoriesOf, type Tree, type TreeEntry } from "./tree.js";

/** Seconds since the epoch: as in Guix's store, no file of a system says when it was made. */
const time = 1;

/**
 * Writes `tree` as the new directory `target`, whose parent must exist. It is there as a whole or not at all, also after a
 * power failure.
 *
 * @throws where `target` exists, or something cannot be written; nothing is left then
 */
export async function writeTree(tree: Tree, target: string): Promise<void> {
  const temporary = `${target}.${randomUUID()}.new`;
  try {
    await mkdir(temporary, { mode: 0o700 });
    const directories = directoriesOf(tree);
    for (const path of directories.keys()) await mkdir(join(temporary, path), { mode: 0o700 });
    for (const [path, entry] of tree) await writeEntry(join(temporary, path), entry);
    // From below, since what is written in a directory changes its time; and not before it is complete.
    for (const [path, mode] of [...directories].reverse()) await finish(join(temporary, path), mode);
    await finish(temporary, 0o755);
    // An empty directory would be replaced.
    if (await exists(target)) throw Object.assign(new Error(`${target}: File exists`), { code: "EEXIST" });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await sync(dirname(target));
}

async function writeEntry(path: string, entry: TreeEntry): Promise<void> {
  if (entry.kind === "directory") return;
  if (entry.kind === "symlink") {
    await symlink(entry.target, path);
    await lutimes(path, time, time);
    return;
  }
  // Nobody else may read it before it has its own permissions.
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(entry.contents);
    await handle.chmod(entry.mode);
    await handle.utimes(time, time);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A directory that nothing will be written to any more. */
async function finish(path: string, mode: number): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.chmod(mode);
    await handle.utimes(time, time);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
