// Carries out the lines of tmpfiles.d that remove something.

import { PlaceError, within } from "../../src/services/activation/directory.js";
import { inPlace, type Root } from "../../src/services/activation/place.js";
import { emptyDirectory, removeAt } from "../../src/services/activation/remove.js";
import { matchesOf } from "./glob.js";
import type { Line } from "./types.js";

/** @throws PlaceError */
export async function removeFor(line: Line, root: Root, failed: (error: PlaceError) => void): Promise<void> {
  const { type, path } = line;
  if (type === "D") await emptyAt(root, path, failed);
  else if (type === "r" || type === "R")
    for (const match of await matchesOf(root, path)) {
      if (match === "/") throw new PlaceError(match, "it is not removed");
      await ifThere(
        inPlace(root, match, {}, async (directory, name) => {
          if (type === "R") {
            if (!(await removeAt(directory, name)))
              throw new PlaceError(match, "something is mounted on it or in it", "EBUSY");
          } else if ((await directory.status(name))?.isDirectory() === true)
            await directory.removeDirectory(name);
          else await directory.unlink(name);
        }),
      );
    }
}

async function emptyAt(root: Root, path: string, failed: (error: PlaceError) => void): Promise<void> {
  if (path === "/") throw new PlaceError(path, "it is not emptied");
  await ifThere(
    inPlace(root, path, {}, async (directory, name) => {
      if ((await directory.status(name)) === undefined) return;
      await within(directory.enter(name), async (inner) => {
        for (const error of await emptyDirectory(inner)) failed(error);
      });
    }),
  );
}

/** What is not there need not be removed. */
async function ifThere(operation: Promise<void>): Promise<void> {
  try {
    await operation;
  } catch (error) {
    if (!(error instanceof PlaceError) || error.code !== "ENOENT") throw error;
  }
}
