// Removing what is there, with all that is in it. Nothing is followed, and nothing that is mounted is touched: a container
// runtime mounts things of its own below /run and /tmp.

import { randomUUID } from "node:crypto";
import { type Directory, type Name, PlaceError, within } from "./directory.js";

/** Directories deeper than this are moved up first: each level that is entered takes a descriptor. */
const deepest = 64;

/**
 * Removes something and all that is in it.
 *
 * @returns whether it is gone; false where something is mounted on it or in it
 */
export async function removeAt(directory: Directory, name: Name): Promise<boolean> {
  if ((await directory.status(name)) === undefined) return true;
  return await new Removal(directory, await directory.mount()).all(name);
}

/** Removes all that is in a directory, which stays. Gives what could not be removed. */
export async function emptyDirectory(directory: Directory): Promise<readonly PlaceError[]> {
  const removal = new Removal(directory, await directory.mount());
  const failures: PlaceError[] = [];
  for (const name of await directory.rawNames()) {
    try {
      await removal.all(name);
    } catch (error) {
      if (!(error instanceof PlaceError)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

class Removal {
  readonly #top: Directory;
  readonly #mount: string;
  /** What lay too deep, and is in the top directory now. */
  readonly #moved: string[] = [];

  constructor(top: Directory, mount: string) {
    this.#top = top;
    this.#mount = mount;
  }

  async all(name: Name): Promise<boolean> {
    let isGone = await this.#remove(this.#top, name, 0);
    for (let next = this.#moved.pop(); next !== undefined; next = this.#moved.pop())
      isGone = (await this.#remove(this.#top, next, 0)) && isGone;
    return isGone;
  }

  async #remove(directory: Directory, name: Name, depth: number): Promise<boolean> {
    const status = await directory.status(name);
    if (status === undefined) return true;
    if (!status.isDirectory()) return await unlessMounted(directory.unlink(name));
    const isEmpty = await within(directory.enter(name), async (inner) => {
      if ((await inner.mount()) !== this.#mount) return false;
      let isGone = true;
      for (const one of await inner.rawNames())
        isGone =
          (await (depth < deepest ? this.#remove(inner, one, depth + 1) : this.#later(inner, one))) && isGone;
      return isGone;
    });
    return isEmpty && (await unlessMounted(directory.removeDirectory(name)));
  }

  async #later(directory: Directory, name: Name): Promise<boolean> {
    const moved = `.${randomUUID()}.shepherd-removed`;
    const isMoved = await unlessMounted(directory.moveTo(name, this.#top, moved));
    if (isMoved) this.#moved.push(moved);
    return isMoved;
  }
}

/** False where a file system is mounted there, which is not ours to remove. */
async function unlessMounted(removal: Promise<void>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (!(error instanceof PlaceError)) throw error;
    if (error.code === "EBUSY") return false;
    if (error.code === "ENOENT") return true;
    throw error;
  }
}
