// The files of configurations in `filesDirectory`: put there from a system directory, and removed when no system has them.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { filesDirectory } from "../files/file-like.js";
import { Directory, explained, PlaceError, within } from "./directory.js";
import { openPlace, type Root } from "./place.js";
import { ourselves, putDirectory, putFileAt } from "./put.js";
import { removeAt } from "./remove.js";

/** Where a system directory has its files. */
const filesIn = (systemDirectory: string): string => join(systemDirectory, "files");

/**
 * Puts the files of a system where its services look for them. What is there already, under a name that stands for its
 * contents, is not written again.
 *
 * @throws PlaceError
 */
export async function putStoredFiles(root: Root, systemDirectory: string): Promise<void> {
  const source = await openIfThere(filesIn(systemDirectory));
  if (source === undefined) return;
  await within(Promise.resolve(source), async (from) => {
    await putDirectory(root, filesDirectory, { mode: 0o755 });
    await within(openPlace(root, filesDirectory), async (to) => {
      for (const name of await from.names()) {
        const handle = await from.openFile(name);
        if (handle === undefined) throw new PlaceError(from.pathOf(name), "not a regular file");
        try {
          const { mode } = await explained(from.pathOf(name), handle.stat());
          const contents = await explained(from.pathOf(name), handle.readFile());
          await putFileAt(to, name, { contents, mode: mode & 0o7777, ...ourselves() });
        } finally {
          await handle.close();
        }
      }
    });
  });
}

/**
 * Removes files that none of the given systems has.
 *
 * @param systemDirectories every system that is kept, also the one that runs
 * @throws PlaceError
 */
export async function pruneStoredFiles(root: Root, systemDirectories: readonly string[]): Promise<void> {
  const lists = await Promise.all(systemDirectories.map(async (one) => await namesIn(filesIn(one))));
  const kept = new Set(lists.flat());
  const stored = await openIfThere(join(root.root, filesDirectory));
  if (stored === undefined) return;
  await within(Promise.resolve(stored), async (directory) => {
    for (const name of await directory.names()) if (!kept.has(name)) await removeAt(directory, name);
  });
}

async function openIfThere(path: string): Promise<Directory | undefined> {
  try {
    return await Directory.open(path);
  } catch (error) {
    if (error instanceof PlaceError && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** A system that cannot be listed is no reason to remove what may be its files. */
async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
