// The directories of a unit: RuntimeDirectory=, StateDirectory= and so on, where they are and how they come to be.

import { mkdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import { Directory, PlaceError, within } from "../../../services/activation/directory.js";
import { removeAt } from "../../../services/activation/remove.js";
import { giveTree, type Owner } from "./owners.js";
import type { Places } from "./places.js";
import { type DirectoryKind, directoryKinds } from "./types.js";

/** A directory of a unit. */
export interface UnitPlace {
  readonly kind: DirectoryKind;
  /** Where its kind is. */
  readonly base: string;
  /** Its name there. */
  readonly name: string;
  /** As the unit knows it. */
  readonly path: string;
  /** Where it is: below `private`, with a link at `path`, for a dynamic user. */
  readonly real: string;
  readonly isPrivate: boolean;
  readonly mode: number;
  /** A link to it, by its whole name. */
  readonly link?: string;
}

/** The name of the directory in which those of dynamic users are. */
const privateName = "private";
/** Those above a unit's own, which it does not own. */
const parentMode = 0o755;
/** Everybody passes, nobody looks: the directories in it are open to their owners alone. */
const privateMode = 0o711;

const bases: Readonly<Record<DirectoryKind, (places: Places) => string>> = {
  Runtime: ({ runtime }) => runtime,
  State: ({ state }) => state,
  Cache: ({ cache }) => cache,
  Logs: ({ logs }) => logs,
  Configuration: ({ configuration }) => configuration,
};

/** Whether directories of this kind are out of others' reach, because their owner's uid may be another's tomorrow. */
function isPrivateKind(kind: DirectoryKind, settings: ServiceSettings, dynamic: boolean): boolean {
  if (!dynamic || kind === "Configuration") return false;
  return kind !== "Runtime" || (settings.RuntimeDirectoryPreserve ?? "no") !== "no";
}

/** All directories of a unit, in the order of their kinds. */
export function unitPlaces(
  settings: ServiceSettings,
  places: Places,
  dynamic: boolean,
): readonly UnitPlace[] {
  return directoryKinds.flatMap((kind) => {
    const base = bases[kind](places);
    const isPrivate = isPrivateKind(kind, settings, dynamic);
    const mode = settings[`${kind}DirectoryMode`] ?? 0o755;
    return (settings[`${kind}Directory`] ?? []).map(({ path: name, link }) => ({
      kind,
      base,
      name,
      path: join(base, name),
      real: isPrivate ? join(base, privateName, name) : join(base, name),
      isPrivate,
      // With systemd nobody else gets as far as to it.
      mode: isPrivate ? mode & 0o700 : mode,
      ...(link === undefined ? {} : { link: join(base, link) }),
    }));
  });
}

/**
 * Makes a directory, with its link, and gives it its mode and owner. One of configuration that exists stays as it is.
 * @param owner undefined where the supervisor is not root, whose everything is then
 */
export async function makeUnitPlace(place: UnitPlace, owner: Owner | undefined): Promise<void> {
  const { base, isPrivate, link, real, path, name } = place;
  await mkdir(base, { recursive: true, mode: parentMode });
  await within(Directory.open(base), async (root) => {
    if (isPrivate) {
      await within(enterOrMake(root, privateName, privateMode), async ({ handle }) => {
        await handle.chmod(privateMode);
      });
      await moveBetween(root, name, join(privateName, name));
    } else await moveBack(root, name);
    await make(root, relative(base, real), place, owner);
    if (isPrivate) await linkTo(root, name, real);
    if (link !== undefined) await linkTo(root, relative(base, link), isPrivate ? real : path);
  });
}

async function make(
  root: Directory,
  name: string,
  place: UnitPlace,
  owner: Owner | undefined,
): Promise<void> {
  await inParent(root, name, async (parent, last) => {
    const existed = (await parent.status(last)) !== undefined;
    await within(enterOrMake(parent, last, 0o700), async (directory) => {
      if (existed && place.kind === "Configuration") return;
      if (owner !== undefined) await giveTree(directory, owner);
      await directory.handle.chmod(place.mode);
    });
  });
}

/** Gives the directory in which the last part of `name` is, made where it is missing. */
async function inParent<T>(
  root: Directory,
  name: string,
  use: (parent: Directory, last: string) => Promise<T>,
): Promise<T> {
  const [first = "", ...rest] = name.split("/");
  if (rest.length === 0) return await use(root, first);
  return await within(enterOrMake(root, first, parentMode), (next) => inParent(next, rest.join("/"), use));
}

/** A directory in another one. A link is followed where only root can have put it there. */
async function enterOrMake(parent: Directory, name: string, mode: number): Promise<Directory> {
  const status = await parent.status(name);
  if (status === undefined) return await parent.make(name, mode);
  if (!status.isSymbolicLink()) return await parent.enter(name);
  const own = process.geteuid?.() ?? 0;
  const isOurs = (uid: number): boolean => uid === 0 || uid === own;
  if (!isOurs(Number(status.uid)) || !isOurs((await parent.handle.stat()).uid))
    throw new PlaceError(parent.pathOf(name), "it is a link that somebody else has made, not followed");
  return await Directory.open(parent.pathOf(name));
}

/** What the unit had before its user became dynamic moves out of others' reach. */
async function moveBetween(root: Directory, from: string, to: string): Promise<void> {
  if (!(await isOwnDirectory(root, from)) || (await exists(root, to))) return;
  await inParent(root, from, (source, name) =>
    inParent(root, to, (target, other) => source.moveTo(name, target, other)),
  );
}

/** What the unit had while its user was dynamic comes back in place of the link to it. */
async function moveBack(root: Directory, name: string): Promise<void> {
  const hidden = join(privateName, name);
  const target = await linkTarget(root, name);
  if (target === undefined || !(await isOwnDirectory(root, hidden))) return;
  if (resolve(join(root.path, dirname(name)), target) !== join(root.path, hidden)) return;
  await inParent(root, name, (parent, last) => parent.unlink(last));
  await moveBetween(root, hidden, name);
}

async function isOwnDirectory(root: Directory, name: string): Promise<boolean> {
  return await asked(root, name, false, async (parent, last) =>
    Boolean((await parent.status(last))?.isDirectory()),
  );
}

async function exists(root: Directory, name: string): Promise<boolean> {
  return await asked(root, name, false, async (parent, last) => (await parent.status(last)) !== undefined);
}

async function linkTarget(root: Directory, name: string): Promise<string | undefined> {
  return await asked(root, name, undefined, async (parent, last) =>
    (await parent.status(last))?.isSymbolicLink() === true ? await parent.target(last) : undefined,
  );
}

/** An answer about something below `root`; `otherwise` where its parents are not there. Nothing is made. */
async function asked<T>(
  root: Directory,
  name: string,
  otherwise: T,
  ask: (parent: Directory, last: string) => Promise<T>,
): Promise<T> {
  const [first = "", ...rest] = name.split("/");
  if (rest.length === 0) return await ask(root, first);
  if ((await root.status(first)) === undefined) return otherwise;
  return await within(enterOrMake(root, first, parentMode), (next) =>
    asked(next, rest.join("/"), otherwise, ask),
  );
}

/** A relative link; one that leads there already stays, and anything else is in the way. */
async function linkTo(root: Directory, name: string, target: string): Promise<void> {
  const wanted = relative(join(root.path, dirname(name)), target);
  await inParent(root, name, async (parent, last) => {
    const status = await parent.status(last);
    if (status === undefined) return await parent.link(last, wanted);
    const found = status.isSymbolicLink() ? await parent.target(last) : undefined;
    if (found === wanted || found === target) return undefined;
    throw new PlaceError(
      parent.pathOf(last),
      found === undefined
        ? `a link to ${target} is to be here, but something else is`
        : `a link to ${target} is to be here, but it leads to ${found}`,
    );
  });
}

/** Removes a directory with all that is in it, and the links to it. */
export async function removeUnitPlace({ base, name, path, real, isPrivate, link }: UnitPlace): Promise<void> {
  const root = await Directory.open(base).catch((error: unknown) => {
    if (error instanceof PlaceError && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (root === undefined) return;
  try {
    await removeBelow(root, relative(base, real));
    if (isPrivate) await removeLink(root, name, real);
    if (link !== undefined) await removeLink(root, relative(base, link), isPrivate ? real : path);
  } finally {
    await root.close();
  }
}

async function removeBelow(root: Directory, name: string): Promise<void> {
  await asked(root, name, undefined, async (parent, last) => {
    if (!(await removeAt(parent, last)))
      throw new PlaceError(parent.pathOf(last), "something is mounted in it, which stays");
  });
}

/** A link that leads elsewhere is not ours. */
async function removeLink(root: Directory, name: string, target: string): Promise<void> {
  const found = await linkTarget(root, name);
  if (found !== undefined && resolve(join(root.path, dirname(name)), found) === target)
    await asked(root, name, undefined, (parent, last) => parent.unlink(last));
}

/** What the environment has of them: their names between colons, by variable. */
export function directoryVariables(all: readonly UnitPlace[]): Readonly<Record<string, string>> {
  const entries = directoryKinds.flatMap((kind) => {
    const paths = all.filter((one) => one.kind === kind).map(({ path }) => path);
    return paths.length === 0 ? [] : [[`${kind.toUpperCase()}_DIRECTORY`, paths.join(":")] as const];
  });
  return Object.fromEntries(entries);
}
