// Modules that are compiled already, such as that of a system directory: they are run as they are where the same compiler
// has made them, and else compiled again.

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { storeCompiled } from "./cache.js";
import { ConfigurationError, reasonOf } from "./error.js";
import { compiledName, compilerIdentity, sha256 } from "./manifest.js";

/** Larger ones go to the compiler, which says what it thinks of them. */
const largest = 64 * 1024 * 1024;

/**
 * A compiled module's text as a file of its own: with what says who compiled it, and where its source map is, by which a
 * compiler of another version finds the positions in the user's files.
 *
 * @param name what the file will be called; its map is `NAME.map`
 */
export function precompiled(code: string, name: string): string {
  return `${code}${ending(name)}`;
}

function ending(name: string): string {
  return `// compiled by ${compilerIdentity}\n//# sourceMappingURL=${name}.map\n`;
}

/**
 * Takes a module that is compiled already into the cache, where it is the daemon's own and outlives the original. Undefined
 * where `entry` is no such module, another compiler has made it, or others than we and root could have written it. Throws
 * ConfigurationError where it cannot be kept.
 *
 * @param entry its real path
 */
export async function adoptPrecompiled(
  entry: string,
  directory: string,
  uid: number,
): Promise<string | undefined> {
  if (extname(entry) !== ".mjs") return undefined;
  const text = await readTrusted(entry, uid);
  const map = await readTrusted(`${entry}.map`, uid);
  const end = ending(basename(entry));
  if (map === undefined || text?.endsWith(end) !== true) return undefined;
  const code = text.slice(0, -end.length);
  const bytes = Buffer.from(text);
  const hash = sha256(code);
  const input = { path: entry, size: bytes.length, sha256: sha256(bytes) };
  try {
    await storeCompiled(directory, code, map, { compiler: compilerIdentity, entry, hash, inputs: [input] });
  } catch (error) {
    throw new ConfigurationError(`cannot keep what is in ${entry} in ${directory}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return join(directory, compiledName(hash));
}

/** Undefined where it cannot be read, which the compiler will say, or is not to be trusted. */
async function readTrusted(file: string, uid: number): Promise<string | undefined> {
  let handle: FileHandle | undefined;
  try {
    // Opening a FIFO would wait for somebody who writes.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    const isOurs = status.uid === 0 || status.uid === uid;
    const isTrusted = status.isFile() && isOurs && (status.mode & 0o022) === 0;
    return isTrusted && status.size <= largest ? await handle.readFile("utf8") : undefined;
  } catch (error) {
    if (error instanceof Error && "errno" in error) return undefined;
    throw error;
  } finally {
    await handle?.close();
  }
}
