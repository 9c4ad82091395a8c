// Puts what is in `etc/` of a system directory into /etc. Guix's /etc holds nothing else; a container's has files from its
// image too: what is not in the system stays, and a directory that is there already is added to and not replaced.

import { type Directory, explained, PlaceError, within } from "./directory.js";
import { atEnd, inPlace, openPlace, type Root } from "./place.js";
import { ourselves, putFile, putLink } from "./put.js";

/** Refers to the directory of the system that is in use. */
const staticLink = "/etc/static";

/** Programs refuse these with other permissions. */
const fixedModes: Readonly<Record<string, number>> = { sudoers: 0o440 };

/**
 * @param source the system's `etc`
 * @param named what that directory is called below the root
 * @throws PlaceError
 */
export async function installEtc(root: Root, source: Directory, named: string): Promise<void> {
  await putLink(root, staticLink, named);
  const names = await source.names();
  for (const name of names) await install(root, source, name, `/etc/${name}`, fixedModes[name]);
  await prune(root, new Set(names));
}

async function install(
  root: Root,
  source: Directory,
  name: string,
  target: string,
  mode?: number,
): Promise<void> {
  const status = await source.status(name);
  if (status === undefined) throw new PlaceError(source.pathOf(name), "No such file or directory", "ENOENT");
  if (status.isSymbolicLink()) await installLink(root, await source.target(name), target);
  else if (status.isDirectory())
    await within(source.enter(name), async (inner) => await installDirectory(root, inner, target));
  else await installFile(root, source, name, target, mode ?? Number(status.mode) & 0o7777);
}

/** A file is copied: programs change some of those in /etc, and some want no links. */
async function installFile(
  root: Root,
  source: Directory,
  name: string,
  target: string,
  mode: number,
): Promise<void> {
  const handle = await source.openFile(name);
  if (handle === undefined) throw new PlaceError(source.pathOf(name), "not a regular file");
  try {
    const contents = await explained(source.pathOf(name), handle.readFile());
    await putFile(root, target, { contents, mode, ...ourselves() });
  } finally {
    await handle.close();
  }
}

/** A link to something that is no part of the system directory. */
async function installLink(root: Root, to: string, target: string): Promise<void> {
  try {
    await atEnd(root, to, async () => undefined);
  } catch (error) {
    if (!(error instanceof PlaceError) || error.code !== "ENOENT") throw error;
    throw new PlaceError(target, `would point to ${to}, which does not exist`, "ENOENT", error);
  }
  await putLink(root, target, to);
}

async function installDirectory(root: Root, source: Directory, target: string): Promise<void> {
  const isThere = await inPlace(root, target, {}, async (directory, name) =>
    (await directory.status(name))?.isDirectory(),
  );
  if (isThere === true)
    for (const name of await source.names()) await install(root, source, name, `${target}/${name}`);
  else await putLink(root, target, target.replace(/^\/etc\//, `${staticLink}/`));
}

/** Removes links to directories of earlier systems, which this one does not have. */
async function prune(root: Root, names: ReadonlySet<string>): Promise<void> {
  await within(openPlace(root, "/etc"), async (etc) => {
    for (const name of await etc.names()) {
      if (names.has(name) || (await etc.status(name))?.isSymbolicLink() !== true) continue;
      if ((await etc.target(name)) === `${staticLink}/${name}`) await etc.unlink(name);
    }
  });
}
