// Making things be as they should: a directory, a file, a link, or nothing. Each leaves alone what is right already, and
// changes the rest in one step, so that nobody sees it half done.

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { type Directory, explained, PlaceError, placeError, within } from "./directory.js";
import { atEnd, inPlace, openPlace, type Root } from "./place.js";
import { removeAt } from "./remove.js";

/** Whose something is; what is undefined is left as it is. */
export interface Owned {
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Root; or whoever tries this out. */
export const ourselves = (): { readonly uid: number; readonly gid: number } => ({
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
});

/** What becomes of a directory that is there already. */
export type Existing = "adjust" | "keep-mode";

/**
 * A directory is there.
 *
 * @param existing `keep-mode`: permissions are for a new one only
 */
export async function putDirectory(
  root: Root,
  path: string,
  owned: Owned,
  existing: Existing = "adjust",
): Promise<void> {
  if (path.replaceAll("/", "") === "") return;
  const isNew = await makeIfMissing(root, path, owned);
  await within(openPlace(root, path, { make: true }), async ({ handle }) => {
    const mode = existing === "keep-mode" && !isNew ? undefined : owned.mode;
    await own(path, handle, { ...owned, mode });
  });
}

/** Whether it was missing. A new one has its permissions, if they are given, before it has another owner. */
async function makeIfMissing(root: Root, path: string, { mode = 0o755 }: Owned): Promise<boolean> {
  return await inPlace(root, path, { make: true }, async (directory, name) => {
    if ((await directory.status(name)) !== undefined) return false;
    try {
      await (await directory.make(name, mode)).close();
      return true;
    } catch (error) {
      if (error instanceof PlaceError && error.code === "EEXIST") return false;
      throw error;
    }
  });
}

/** Gives something that is open its owner and permissions, where they differ. */
async function own(path: string, handle: FileHandle, { mode, uid, gid }: Owned): Promise<void> {
  const status = await explained(path, handle.stat());
  const owner = { uid: uid ?? status.uid, gid: gid ?? status.gid };
  const changesOwner = owner.uid !== status.uid || owner.gid !== status.gid;
  if (changesOwner) await explained(path, handle.chown(owner.uid, owner.gid));
  // After that: a change of owner clears the bits of set-user-ID programs.
  const wanted = mode ?? status.mode & 0o7777;
  if (changesOwner || wanted !== (status.mode & 0o7777)) await explained(path, handle.chmod(wanted));
}

/** A regular file as it should be. */
export interface FileToPut {
  readonly contents: string | Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * A regular file is there. It is replaced as a whole by a new one; where something is mounted on it, as a container runtime
 * does with some in /etc, it cannot be, and its contents are replaced.
 *
 * @returns whether something had to be changed
 */
export async function putFile(root: Root, path: string, file: FileToPut): Promise<boolean> {
  return await inPlace(
    root,
    path,
    { make: true },
    async (directory, name) => await putFileAt(directory, name, file),
  );
}

/** The same for a file in a directory that is open. */
export async function putFileAt(directory: Directory, name: string, file: FileToPut): Promise<boolean> {
  if (await isAlready(directory, name, file)) return false;
  await replace(directory, name, async (temporary) => {
    const path = directory.pathOf(name);
    const handle = await directory.createFile(temporary);
    try {
      await explained(path, handle.writeFile(file.contents));
      await own(path, handle, file);
      await explained(path, handle.sync());
    } finally {
      await handle.close();
    }
    try {
      await directory.rename(temporary, name);
    } catch (error) {
      if (!(error instanceof PlaceError) || error.code !== "EBUSY") throw error;
      await directory.unlink(temporary);
      await overwrite(directory, name, file);
    }
  });
  return true;
}

async function isAlready(directory: Directory, name: string, file: FileToPut): Promise<boolean> {
  const handle = await directory.openFile(name);
  if (handle === undefined) return false;
  try {
    const path = directory.pathOf(name);
    const { size, mode, uid, gid } = await explained(path, handle.stat());
    const contents = Buffer.from(file.contents as Uint8Array);
    return (
      size === contents.length &&
      (mode & 0o7777) === file.mode &&
      uid === file.uid &&
      gid === file.gid &&
      contents.equals(await explained(path, handle.readFile()))
    );
  } finally {
    await handle.close();
  }
}

async function overwrite(directory: Directory, name: string, file: FileToPut): Promise<void> {
  const path = directory.pathOf(name);
  const handle = await directory.overwriteFile(name);
  try {
    // What is there goes only once the new is written: should we be killed, or nothing more fit, an empty file is worse
    // than one with too much at its end.
    const contents = Buffer.from(file.contents as Uint8Array);
    await explained(path, handle.writeFile(contents));
    await explained(path, handle.truncate(contents.length));
    await explained(path, handle.sync());
    await own(path, handle, file);
  } finally {
    await handle.close();
  }
}

/**
 * A symbolic link is there. It takes the place of a file or another link.
 *
 * @returns whether something had to be changed
 */
export async function putLink(root: Root, path: string, target: string): Promise<boolean> {
  return await inPlace(
    root,
    path,
    { make: true },
    async (directory, name) => await putLinkAt(directory, name, target),
  );
}

/** The same for a link in a directory that is open. */
export async function putLinkAt(directory: Directory, name: string, target: string): Promise<boolean> {
  const status = await directory.status(name);
  if (status?.isSymbolicLink() === true && (await directory.target(name)) === target) return false;
  if (status?.isDirectory() === true)
    throw new PlaceError(directory.pathOf(name), "a directory is where a link is to be", "EISDIR");
  await replace(directory, name, async (temporary) => {
    await directory.link(temporary, target);
    await directory.rename(temporary, name);
  });
  return true;
}

/**
 * Has `make` make something by a temporary name and give it its own. What an activation that was killed has left by the
 * temporary name is removed first.
 */
async function replace(
  directory: Directory,
  name: string,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  // A hash, since a name may be as long as names can be.
  const temporary = `.${createHash("sha256").update(name).digest("hex").slice(0, 16)}.shepherd-new`;
  try {
    await removeAt(directory, temporary);
    await make(temporary);
  } catch (error) {
    await directory.unlink(temporary).catch(() => undefined); // The error tells more.
    throw placeError(directory.pathOf(name), error);
  }
  await directory.sync();
}

/** Nothing is there; what is mounted below stays. */
export async function remove(root: Root, path: string): Promise<void> {
  try {
    await inPlace(root, path, {}, async (directory, name) => {
      await removeAt(directory, name);
    });
  } catch (error) {
    // A directory above it is missing: so is what is to be.
    if (!(error instanceof PlaceError) || error.code !== "ENOENT") throw error;
  }
}

/** What is in a regular file; undefined where there is none. */
export async function contentsOf(root: Root, path: string): Promise<Buffer | undefined> {
  try {
    return await inPlace(root, path, {}, async (directory, name) => {
      const handle = await directory.openFile(name);
      if (handle === undefined) return undefined;
      try {
        return await explained(path, handle.readFile());
      } finally {
        await handle.close();
      }
    });
  } catch (error) {
    if (error instanceof PlaceError && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** What is in a regular file, or in what a link to one leads to. */
export async function contentsAtEnd(root: Root, path: string): Promise<Buffer> {
  return await atEnd(root, path, async (directory, name) => {
    const handle = await directory.openFile(name);
    if (handle === undefined) throw new PlaceError(path, "not a regular file");
    try {
      return await explained(path, handle.readFile());
    } finally {
      await handle.close();
    }
  });
}
