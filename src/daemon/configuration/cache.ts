// The directory of compiled configurations: ours alone, since what is in it is run.

import { lstat, mkdir, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Manifest, manifestName } from "./manifest.js";

/** A directory that cannot be trusted, or not be made. */
export class CacheError extends Error {
  override readonly name = "CacheError";
}

/** Compiled files kept; the one that was not used for longest goes first. */
const keep = 50;

/** Where compiled configurations may be, best first. */
export function cacheDirectories(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
  runtimeDirectory: string,
): string[] {
  const own =
    uid === 0
      ? "/var/cache/shepherd-ts"
      : join(environment.XDG_CACHE_HOME ?? join(environment.HOME ?? homedir(), ".cache"), "shepherd-ts");
  return [own, join(runtimeDirectory, "cache")];
}

/** The first of `candidates` that is, or can be made, ours alone. */
export async function openCache(candidates: readonly string[], uid: number): Promise<string> {
  const reasons: string[] = [];
  for (const directory of candidates) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const status = await lstat(directory);
      if (status.isDirectory() && status.uid === uid && (status.mode & 0o022) === 0) return directory;
      reasons.push(`${directory}: others could write into it, or it is not ours`);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new CacheError(`no directory for compiled configurations: ${reasons.join("; ")}`);
}

/** The manifest of an entry that was compiled before; undefined where there is none that can be used. */
export async function findManifest(directory: string, entry: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, manifestName(entry)), "utf8")) as Manifest;
    await stat(join(directory, manifest.output));
    return manifest;
  } catch {
    return undefined; // Absent or damaged: it is made anew.
  }
}

/** Marks a compiled file as used now, and removes those that were not used for longest. */
export async function touch(directory: string, output: string): Promise<void> {
  const now = new Date();
  await utimes(join(directory, output), now, now);
  const names = (await readdir(directory)).filter((name) => name.endsWith(".mjs"));
  if (names.length <= keep) return;
  const used = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(directory, name))).mtimeMs })),
  );
  used.sort((a, b) => b.time - a.time);
  for (const { name } of used.slice(keep)) {
    await rm(join(directory, name), { force: true });
    await rm(join(directory, `${name}.map`), { force: true });
  }
}
