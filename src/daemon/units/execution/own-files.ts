// Small files in the supervisor's own runtime directory: whoever dies while writing leaves the old one or the new one.

import { constants } from "node:fs";
import { mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { readUpTo } from "../../../../systemd-compat/bounded-read.js";

/** Bytes of a file of ours; what is larger is none. */
const most = 65_536;

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A file's text; undefined where there is none. Rejects where it cannot be read. */
export async function readOwn(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return (await readUpTo(handle, most)).toString("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** How often the directory is made again that another service's end has just removed, since it was empty. */
const attempts = 5;

/** Nobody but the supervisor's user can read it, nor the directories above it that are made. */
export async function writeOwn(file: string, contents: string | Uint8Array): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write(file, contents);
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || attempt === attempts) throw error;
    }
  }
}

async function write(file: string, contents: string | Uint8Array): Promise<void> {
  const draft = `${file}.new`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await rm(draft, { force: true, recursive: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(contents);
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** Removes directories upwards from `directory` while they are empty, but not `end`, nor what is above it. */
export async function pruneUpTo(directory: string, end: string): Promise<void> {
  for (let at = directory; at.startsWith(`${end}/`); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return; // Something is in it.
    }
  }
}
