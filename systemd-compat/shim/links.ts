// Carries out what enable, disable, mask and their like plan: makes links and takes them away, below the root.

import { dirname, join } from "node:path";
import { PlaceError } from "../../src/services/activation/directory.js";
import { inPlace, type Root } from "../../src/services/activation/place.js";
import { putLink } from "../../src/services/activation/put.js";

/** Such as `Created symlink /etc/… → /lib/….`; undefined where it was there already. */
export async function makeLink(
  root: string,
  path: string,
  target: string,
  { force }: { readonly force: boolean },
): Promise<string | undefined> {
  const shown = join(root, path);
  const there = await whatIsAt({ root }, path);
  if (there !== undefined && there !== target && !force)
    throw new PlaceError(shown, there === "" ? "a file is there" : `it is a link to ${there}`, "EEXIST");
  return (await putLink({ root }, path, target)) ? `Created symlink ${shown} → ${target}.` : undefined;
}

/** Where a link leads; empty for something else; undefined where nothing is. */
export async function whatIsAt(root: Root, path: string): Promise<string | undefined> {
  try {
    return await inPlace(root, path, {}, async (directory, name) => {
      const status = await directory.status(name);
      if (status === undefined) return undefined;
      return status.isSymbolicLink() ? await directory.target(name) : "";
    });
  } catch (error) {
    if (error instanceof PlaceError && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Takes a link away, and directories that are empty then, up to `top`. */
export async function removeLink(root: string, path: string, top: string): Promise<string> {
  await inPlace({ root }, path, {}, (directory, name) => directory.unlink(name));
  for (let directory = dirname(path); directory.startsWith(`${top}/`); directory = dirname(directory))
    if (!(await removeIfEmpty({ root }, directory))) break;
  return `Removed "${join(root, path)}".`;
}

async function removeIfEmpty(root: Root, path: string): Promise<boolean> {
  try {
    await inPlace(root, path, {}, (directory, name) => directory.removeDirectory(name));
    return true;
  } catch (error) {
    if (error instanceof PlaceError) return false;
    throw error;
  }
}
