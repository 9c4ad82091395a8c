// Carries out the lines of tmpfiles.d that make something or change what is there.

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { type Directory, explained, PlaceError, within } from "../../src/services/activation/directory.js";
import { atEnd, inPlace, openPlace, type Root } from "../../src/services/activation/place.js";
import { removeAt } from "../../src/services/activation/remove.js";
import { adjust } from "./adjust.js";
import { changeAttributes } from "./attributes.js";
import { matchesOf } from "./glob.js";
import { type Creation, makeAt } from "./make.js";
import { prefixesOf } from "./plan.js";
import { type Line, makesDirectory } from "./types.js";

/** @throws PlaceError, NoToolError */
export async function create(line: Line, creation: Creation): Promise<void> {
  const { root } = creation;
  const { type, path } = line;
  if ("xXrR".includes(type)) return;
  if ("wemzZtThHaA".includes(type)) {
    for (const match of await matchesOf(root, path)) await change(line, match, creation);
  } else if (path === "/") {
    if (!makesDirectory(line)) throw new PlaceError(path, "it is a directory", "EISDIR");
    await inPlaceOrRoot(root, path, (...at) => adjust(...at, line, false));
  } else {
    if (line.replaces) await clearTheWay(root, path);
    await inPlace(root, path, { make: true }, (...at) => makeAt(line, creation, ...at));
  }
}

/** Changes something that is there. */
async function change(line: Line, path: string, creation: Creation): Promise<void> {
  const { root } = creation;
  switch (line.type) {
    case "w":
      return await write(line, path, creation);
    case "e":
      return await adjustDirectory(line, path, creation);
    case "m":
    case "z":
      return await inPlaceOrRoot(root, path, (...at) => adjust(...at, line, false));
    case "Z":
      return await eachBelow(root, path, (...at) => adjust(...at, line, false));
    case "T":
    case "H":
    case "A":
      return await eachBelow(root, path, (...at) => changeAttributes(line, ...at));
    default:
      return await inPlaceOrRoot(root, path, (...at) => changeAttributes(line, ...at));
  }
}

/** Removes what is no directory, and no link to one, on the way to a place. */
async function clearTheWay(root: Root, path: string): Promise<void> {
  for (const prefix of [...prefixesOf(path)].reverse()) {
    try {
      await (await openPlace(root, prefix)).close();
    } catch (error) {
      if (!(error instanceof PlaceError)) throw error;
      // What is missing will be made.
      if (error.code === "ENOENT") return;
      if (error.code !== "ENOTDIR") throw error;
      await inPlace(root, prefix, {}, removeAt);
      return;
    }
  }
}

/** Writes into a file that is there, be it one of the kernel's. Links are followed. */
async function write(line: Line, path: string, { root, contents }: Creation): Promise<void> {
  if (contents === undefined) return;
  const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_APPEND, O_TRUNC } = constants;
  const flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (line.force ? O_APPEND : O_TRUNC);
  await ifThere(
    atEnd(root, path, async (directory, name) => {
      const place = directory.pathOf(name);
      const handle = await explained(place, open(directory.at(name), flags));
      try {
        await explained(place, handle.writeFile(contents));
      } finally {
        await handle.close();
      }
      await adjust(directory, name, line, false);
    }),
  );
}

/** It has gone meanwhile, or a link leads to nothing. */
async function ifThere(operation: Promise<void>): Promise<void> {
  try {
    await operation;
  } catch (error) {
    if (!(error instanceof PlaceError) || error.code !== "ENOENT") throw error;
  }
}

async function adjustDirectory(line: Line, path: string, { root, notice }: Creation): Promise<void> {
  await inPlaceOrRoot(root, path, async (directory, name) => {
    if ((await directory.status(name))?.isDirectory() === true) await adjust(directory, name, line, false);
    else notice(`${path} is no directory`);
  });
}

async function inPlaceOrRoot(
  root: Root,
  path: string,
  use: (directory: Directory, name: string) => Promise<void>,
): Promise<void> {
  if (path === "/") await within(openPlace(root, "/"), (directory) => use(directory, "."));
  else await inPlace(root, path, {}, use);
}

/** Calls `use` for something and for all below it; links are not followed. */
async function eachBelow(
  root: Root,
  path: string,
  use: (directory: Directory, name: string) => Promise<void>,
): Promise<void> {
  const visit = async (directory: Directory, name: string): Promise<void> => {
    await use(directory, name);
    if ((await directory.status(name))?.isDirectory() !== true) return;
    await within(directory.enter(name), async (inner) => {
      for (const one of await inner.names()) await visit(inner, one);
    });
  };
  await inPlaceOrRoot(root, path, visit);
}
