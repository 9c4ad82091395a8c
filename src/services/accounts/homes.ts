// Home directories. Those of the system's own accounts are made at activation, those of people by a service.

import { randomUUID } from "node:crypto";
import { type Directory, explained, PlaceError, within } from "../activation/directory.js";
import { readAccounts, uidOf } from "../activation/identity.js";
import { inPlace, openPlace, type Root } from "../activation/place.js";
import { ourselves, putDirectory } from "../activation/put.js";
import { removeAt } from "../activation/remove.js";
import type { UserData } from "./step.js";

/** A home directory and whose it is. */
export interface Home {
  readonly user: string;
  readonly directory: string;
}

const homeMode = 0o700;
/** Of homes that several accounts share: nobody may write there. */
const sharedMode = 0o555;
/** One that is shared, also where there is only one account so far that has it. */
const emptyDirectory = "/var/empty";

/**
 * Makes the home directories of accounts of the system. One that several share belongs to root, and nobody may write there.
 *
 * @throws PlaceError, AccountError
 */
export async function makeSystemHomes(root: Root, users: readonly UserData[]): Promise<void> {
  const accounts = await readAccounts(root);
  const homes = users.filter(({ system, createHomeDirectory }) => system && createHomeDirectory);
  for (const directory of new Set(homes.map(({ homeDirectory }) => homeDirectory))) {
    const [first, ...others] = homes.filter(({ homeDirectory }) => homeDirectory === directory);
    if (first === undefined) continue;
    const { uid, gid } = uidOf(first.name, accounts);
    if (others.length > 0 || directory === emptyDirectory)
      await putDirectory(root, directory, { mode: sharedMode, ...ourselves() });
    // Such as /etc or /usr/: they are not given away, whatever somebody calls his home.
    else if (isTopLevel(directory)) await putDirectory(root, directory, {});
    // One that is there keeps its permissions: activation of the service whose it is may have opened it to others.
    else await putDirectory(root, directory, { mode: homeMode, uid, gid }, "keep-mode");
  }
}

const isTopLevel = (path: string): boolean => path.split("/").filter((part) => part !== "").length <= 1;

/**
 * Makes the home directories that are missing, with what is in `/etc/skel`. Each appears when it is complete.
 *
 * @throws AggregateError of what went wrong with single ones, when all others are made
 */
export async function makeHomes(root: Root, homes: readonly Home[]): Promise<void> {
  const failures: unknown[] = [];
  for (const home of homes) {
    try {
      await makeHome(root, home);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) {
    const texts = failures.map((error) => (error instanceof Error ? error.message : String(error)));
    throw new AggregateError(failures, texts.join("; "));
  }
}

async function makeHome(root: Root, { user, directory: path }: Home): Promise<void> {
  const { uid, gid } = uidOf(user, await readAccounts(root));
  await inPlace(root, path, { make: true }, async (parent, name) => {
    if ((await parent.status(name)) !== undefined) return;
    const temporary = `.${randomUUID()}.shepherd-new`;
    try {
      await within(parent.make(temporary, homeMode), async (home) => {
        await copySkeletons(root, home, { uid, gid });
        await explained(path, home.handle.chown(uid, gid));
        await home.sync();
      });
      await parent.rename(temporary, name);
    } catch (error) {
      await removeAt(parent, temporary).catch(() => undefined); // The error tells more.
      throw error;
    }
    await parent.sync();
  });
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Deeper ones are a mistake. */
const deepest = 32;

async function copySkeletons(root: Root, home: Directory, owner: Owner): Promise<void> {
  let skeletons: Directory;
  try {
    skeletons = await openPlace(root, "/etc/skel");
  } catch (error) {
    if (error instanceof PlaceError && error.code === "ENOENT") return;
    throw error;
  }
  await within(Promise.resolve(skeletons), async (from) => await copyAll(from, home, owner, 0));
}

async function copyAll(from: Directory, to: Directory, owner: Owner, depth: number): Promise<void> {
  if (depth > deepest) throw new PlaceError(from.path, "more than 32 directories in each other");
  for (const name of await from.names()) await copyOne(from, to, name, owner, depth);
}

async function copyOne(
  from: Directory,
  to: Directory,
  name: string,
  owner: Owner,
  depth: number,
): Promise<void> {
  const status = await from.status(name);
  if (status === undefined) return;
  const mode = Number(status.mode) & 0o777;
  if (status.isSymbolicLink()) {
    await to.link(name, await from.target(name));
    await to.chownLink(name, owner.uid, owner.gid);
  } else if (status.isDirectory())
    await within(from.enter(name), async (inner) => {
      await within(to.make(name, 0o700), async (copy) => {
        await copyAll(inner, copy, owner, depth + 1);
        await give(copy.path, copy.handle, owner, mode);
      });
    });
  else {
    const source = await from.openFile(name);
    // Devices and sockets are no skeletons.
    if (source === undefined) return;
    try {
      const copy = await to.createFile(name);
      try {
        await explained(
          to.pathOf(name),
          copy.writeFile(await explained(from.pathOf(name), source.readFile())),
        );
        await give(to.pathOf(name), copy, owner, mode);
        await explained(to.pathOf(name), copy.sync());
      } finally {
        await copy.close();
      }
    } finally {
      await source.close();
    }
  }
}

async function give(
  path: string,
  handle: Directory["handle"],
  { uid, gid }: Owner,
  mode: number,
): Promise<void> {
  await explained(path, handle.chown(uid, gid));
  // Files in a system directory cannot be written; people change their own.
  await explained(path, handle.chmod(mode | 0o200));
}
