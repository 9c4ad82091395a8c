// Copies a file, or a directory with all that is in it, with permissions, owners and times.

import { constants } from "node:fs";
import { open, utimes } from "node:fs/promises";
import { type Directory, explained, within } from "../../src/services/activation/directory.js";
import { adjust } from "./adjust.js";
import { makeSpecial } from "./special.js";
import type { Owner } from "./types.js";

/** Whose everything in a copy is; undefined: as in the source. */
export interface CopyOwner {
  readonly user?: Owner | undefined;
  readonly group?: Owner | undefined;
}

/** Directories deeper than this are no copy that anybody means. */
const deepest = 256;

/**
 * Copies something to a name that is free. What is there already stays, and so does all below it; an empty directory is filled.
 * @returns whether something was made
 */
export async function copyTree(
  source: Directory,
  from: string,
  target: Directory,
  to: string,
  owner: CopyOwner,
  depth = 0,
): Promise<boolean> {
  const status = await source.status(from);
  if (status === undefined || depth > deepest) return false;
  const there = await target.status(to);
  if (there !== undefined && !(depth === 0 && status.isDirectory() && there.isDirectory())) return false;
  const owned = {
    mode: { value: Number(status.mode) & 0o7777, masked: false, onlyNew: false },
    user: owner.user ?? { id: Number(status.uid), onlyNew: false },
    group: owner.group ?? { id: Number(status.gid), onlyNew: false },
  };
  if (status.isSymbolicLink()) await target.link(to, await source.target(from));
  else if (status.isDirectory()) {
    if (there === undefined) await (await target.make(to, 0o700)).close();
    const isFilled = await within(source.enter(from), async (inner) =>
      within(target.enter(to), async (copy) => {
        if (there !== undefined && (await copy.names()).length > 0) return false;
        for (const name of await inner.names()) await copyTree(inner, name, copy, name, owner, depth + 1);
        return true;
      }),
    );
    if (!isFilled) return false;
  } else if (status.isFile()) await copyFile(source, from, target, to);
  else if (status.isSocket()) return false;
  else await makeSpecial(target, to, kindOf(status), 0o600);
  await adjust(target, to, owned, true);
  if (!status.isSymbolicLink())
    await explained(
      target.pathOf(to),
      utimes(target.at(to), Number(status.atimeMs) / 1000, Number(status.mtimeMs) / 1000),
    );
  return true;
}

function kindOf(status: { isFIFO(): boolean; isBlockDevice(): boolean; readonly rdev: bigint }): {
  readonly type: "p" | "b" | "c";
  readonly numbers?: string;
} {
  if (status.isFIFO()) return { type: "p" };
  return { type: status.isBlockDevice() ? "b" : "c", numbers: deviceNumbers(status.rdev) };
}

/** A device's numbers in the way in which mknod(1) takes them, `MAJOR:MINOR`. */
function deviceNumbers(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

async function copyFile(source: Directory, from: string, target: Directory, to: string): Promise<void> {
  const path = source.pathOf(from);
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const input = await explained(path, open(source.at(from), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  try {
    const output = await target.createFile(to);
    try {
      const piece = Buffer.alloc(65_536);
      for (;;) {
        const { bytesRead } = await explained(path, input.read(piece, 0, piece.length, null));
        if (bytesRead === 0) break;
        await explained(target.pathOf(to), output.writeFile(piece.subarray(0, bytesRead)));
      }
    } finally {
      await output.close();
    }
  } finally {
    await input.close();
  }
}
