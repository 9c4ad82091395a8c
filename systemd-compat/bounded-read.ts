// Reads small files of the system without trust: up to a bound, and without waiting for anybody.

import { constants } from "node:fs";
import { type FileHandle, open, opendir } from "node:fs/promises";

/** A file's text, of which what is beyond `most` bytes is left out; undefined where it cannot be read. */
export async function readText(path: string, most: number): Promise<string | undefined> {
  try {
    // A FIFO that nobody writes into would be waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      return (await readUpTo(file, most)).toString("utf8");
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** So many bytes, or what there is of them. Files of the kernel have no size, and give a piece at a time. */
export async function readUpTo(file: FileHandle, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < most) {
    const piece = Buffer.alloc(Math.min(most - length, 65_536));
    const { bytesRead } = await file.read(piece, 0, piece.length, null);
    if (bytesRead === 0) break;
    pieces.push(piece.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(pieces);
}

/** Up to `most` names in a directory, without `.` and `..`; undefined where it is none that can be read. */
export async function listNames(directory: string, most: number): Promise<string[] | undefined> {
  try {
    const names: string[] = [];
    for await (const { name } of await opendir(directory)) {
      if (names.length >= most) break;
      names.push(name);
    }
    return names;
  } catch {
    return undefined;
  }
}
