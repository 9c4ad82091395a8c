// Finding the way to a place, one directory at a time. A link on the way is followed only where nobody but root, or we, can
// have put it there: users own directories below /var and /home, and a link planted there must not lead root's hands to
// another place.

import type { BigIntStats } from "node:fs";
import { Directory, PlaceError, within } from "./directory.js";

/** As the kernel. */
const mostLinks = 40;

/** How missing directories are made on the way; they are root's, or ours. */
const missingMode = 0o755;

/** Where the file system begins that names are relative to. */
export interface Root {
  /** An absolute name; absolute links lead below it too. */
  readonly root: string;
}

/**
 * Opens the directory `path`; `make` says what becomes of missing ones, the last too.
 *
 * @throws PlaceError
 */
export async function openPlace(
  { root }: Root,
  path: string,
  { make = false }: { readonly make?: boolean } = {},
): Promise<Directory> {
  const walk = new Walk(path, make);
  return await walk.from(await Directory.open(root));
}

/**
 * Opens the directory in which the last component of `path` lies, and gives that component to `use`.
 *
 * @throws PlaceError
 */
export async function inPlace<T>(
  root: Root,
  path: string,
  options: { readonly make?: boolean },
  use: (directory: Directory, name: string) => Promise<T>,
): Promise<T> {
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined || name === "..")
    throw new PlaceError(path, "not the name of something in a directory");
  return await within(
    openPlace(root, parts.join("/"), options),
    async (directory) => await use(directory, name),
  );
}

/**
 * As `inPlace`, but where the last component is a link, what it leads to is given to `use`.
 *
 * @throws PlaceError
 */
export async function atEnd<T>(
  root: Root,
  path: string,
  use: (directory: Directory, name: string) => Promise<T>,
): Promise<T> {
  let current = path;
  for (let links = 0; links <= mostLinks; links += 1) {
    const found = await inPlace(root, current, {}, async (directory, name) => {
      const status = await directory.status(name);
      if (status === undefined) throw new PlaceError(path, "No such file or directory", "ENOENT");
      if (!status.isSymbolicLink()) return { result: await use(directory, name) };
      if (!(await isTrustedLink(directory, status))) throw untrusted(directory, name);
      return { target: await directory.target(name) };
    });
    if ("result" in found) return found.result;
    const { target } = found;
    current = target.startsWith("/") ? target : [...partsOf(current).slice(0, -1), target].join("/");
  }
  throw new PlaceError(path, "Too many levels of symbolic links", "ELOOP");
}

const partsOf = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

class Walk {
  readonly #path: string;
  readonly #make: boolean;
  #links = 0;

  constructor(path: string, make: boolean) {
    this.#path = path;
    this.#make = make;
  }

  /** Every directory on the way stays open until the end: `..` leads back to the one we came from. */
  async from(top: Directory): Promise<Directory> {
    const open = [top];
    const pending = partsOf(this.#path);
    try {
      for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
        const here = open.at(-1) ?? top;
        if (name === "..") {
          if (open.length > 1) await open.pop()?.close();
          continue;
        }
        const status = await here.status(name);
        if (status === undefined) open.push(await this.#missing(here, name));
        else if (!status.isSymbolicLink()) open.push(await here.enter(name));
        else {
          const target = await this.#follow(here, name, status);
          if (target.startsWith("/")) for (const one of open.splice(1)) await one.close();
          pending.unshift(...partsOf(target));
        }
      }
      return open.pop() ?? top;
    } finally {
      for (const one of open) await one.close();
    }
  }

  async #missing(here: Directory, name: string): Promise<Directory> {
    if (!this.#make) throw new PlaceError(here.pathOf(name), "No such file or directory", "ENOENT");
    try {
      return await here.make(name, missingMode);
    } catch (error) {
      // Somebody was quicker.
      if (error instanceof PlaceError && error.code === "EEXIST") return await here.enter(name);
      throw error;
    }
  }

  async #follow(here: Directory, name: string, link: BigIntStats): Promise<string> {
    if (!(await isTrustedLink(here, link))) throw untrusted(here, name);
    this.#links += 1;
    if (this.#links > mostLinks)
      throw new PlaceError(here.pathOf(name), "Too many levels of symbolic links", "ELOOP");
    return await here.target(name);
  }
}

const untrusted = (here: Directory, name: string): PlaceError =>
  new PlaceError(
    here.pathOf(name),
    "a symbolic link that others than root can have put there is not followed",
    "ELOOP",
  );

/** Whether nobody but root, or we, can have put the link there. */
async function isTrustedLink(here: Directory, link: BigIntStats): Promise<boolean> {
  const { mode, uid } = await here.handle.stat();
  // In a sticky directory everybody can make links, but nobody can replace those of others.
  const isOpenToAll = (mode & 0o022) !== 0;
  const isSticky = (mode & 0o1000) !== 0;
  return isTrustedUser(uid) && (!isOpenToAll || (isSticky && isTrustedUser(Number(link.uid))));
}

/** Root, and whoever we are. */
function isTrustedUser(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}
