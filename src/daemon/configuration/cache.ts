// Compiled modules on disk. A module's name is the hash of its text, so that a damaged one is never run; a manifest for
// each configuration says which module it is and what that was made from. Only we may write here: this code is run.

import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeEnd, sealed } from "../code-cache.js";
import { loading } from "../loading.js";
import { cacheDirectory, type Environment } from "./directories.js";
import { ConfigurationError, reasonOf } from "./error.js";
import {
  compiledName,
  compilerIdentity,
  type Input,
  type Manifest,
  manifestName,
  parseManifest,
  sha256,
} from "./manifest.js";
import { whyUntrusted } from "./trust.js";

/** How many files of each kind stay. */
const capacity = 50;
/** Kinds of files by the ends of their names; `.new` is left where a writer was killed. */
const kinds = [".mjs", ".mjs.map", ".json", ".new"] as const;
/** As many releases of the supervisor, or of Node, may take turns. */
const codeCapacity = 3;

/**
 * Where the cache may be, best first. The last, beside the control socket, survives no reboot, but is there when nothing
 * else can be written.
 */
export function cacheDirectories(environment: Environment, uid: number, runtimeDirectory: string): string[] {
  return [cacheDirectory(environment, uid), join(runtimeDirectory, "configurations")];
}

/** The first of `directories` that is ours alone to write in; made where it is missing. */
export async function openCache(directories: readonly string[], uid: number): Promise<string> {
  const reasons: string[] = [];
  for (const directory of directories) {
    const reason = await whyUnusable(directory, uid);
    if (reason === undefined) return directory;
    reasons.push(`${directory}: ${reason}`);
  }
  throw new ConfigurationError(`cannot keep compiled configurations: ${reasons.join("; ")}`);
}

async function whyUnusable(directory: string, uid: number): Promise<string | undefined> {
  try {
    // Only this folder is ours alone; those above it, which may be missing on a young machine, are everybody's.
    // What is wrong with those the next call finds too, and says.
    await mkdir(dirname(directory), { recursive: true }).catch(() => undefined);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const reason = whyUntrusted(await lstat(directory), uid);
    if (reason !== undefined) return reason;
    // Tried and not asked: root is told that it may write on a read-only file system.
    await rm(await write(directory, "probe", ""));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/**
 * What `entry`, a real path, compiles to, if that is there and all that it was made from is as it was. The directories
 * need not be writable: an image that is mounted read-only may bring its configuration compiled.
 */
export async function findCompiled(
  directories: readonly string[],
  uid: number,
  entry: string,
): Promise<string | undefined> {
  for (const directory of directories) {
    const compiled = await findIn(directory, uid, entry);
    if (compiled !== undefined) return compiled;
  }
  return undefined;
}

async function findIn(directory: string, uid: number, entry: string): Promise<string | undefined> {
  try {
    if (whyUntrusted(await lstat(directory), uid) !== undefined) return undefined;
    const file = join(directory, manifestName(entry));
    const manifest = parseManifest(await readFile(file, "utf8"));
    if (manifest?.compiler !== compilerIdentity || manifest.entry !== entry) return undefined;
    const compiled = join(directory, compiledName(manifest.hash));
    const [unchanged] = await Promise.all([
      Promise.all(manifest.inputs.map(isUnchanged)),
      verifyCompiled(compiled),
    ]);
    if (unchanged.includes(false)) return undefined;
    await touch(file);
    return compiled;
  } catch {
    // Whatever is wrong with the cache, compiling anew mends it.
    return undefined;
  }
}

/** What a compiled module was made from; undefined where that is not known any more. */
export async function manifestOf(compiled: string, entry: string): Promise<Manifest | undefined> {
  const text = await readFile(join(dirname(compiled), manifestName(entry)), "utf8");
  const manifest = parseManifest(text);
  return manifest !== undefined && compiledName(manifest.hash) === basename(compiled) ? manifest : undefined;
}

/**
 * Contents and not times decide: copies, archives and package managers give new contents old times, and to run
 * yesterday's configuration for that would be worse than the millisecond that reading takes.
 */
export async function isUnchanged({ path, size, sha256: content }: Input): Promise<boolean> {
  const status = await stat(path);
  // The size bounds what is read.
  return status.isFile() && status.size === size && sha256(await readFile(path)) === content;
}

/** Throws unless `compiled` is there and whole; it then counts as used. */
export async function verifyCompiled(compiled: string): Promise<void> {
  const text = await readFile(compiled);
  if (basename(compiled) !== compiledName(sha256(text)))
    throw new Error("it is damaged: its contents do not match its name");
  await Promise.all([touch(compiled), touch(`${compiled}.map`)]);
}

/** What was used last is removed last. */
async function touch(file: string): Promise<void> {
  const now = new Date();
  // Only the order of removal suffers, and nothing is removed where this fails.
  await utimes(file, now, now).catch(() => undefined);
}

/** Keeps a compiled module. The manifest comes last: it names nothing that is not there. */
export async function storeCompiled(
  directory: string,
  code: string,
  map: string,
  manifest: Manifest,
): Promise<void> {
  const files = [
    [`${compiledName(manifest.hash)}.map`, map],
    [compiledName(manifest.hash), code],
    [manifestName(manifest.entry), JSON.stringify(manifest)],
  ] as const;
  for (const [name, text] of files) {
    await rename(await write(directory, name, text), join(directory, name));
  }
}

/** Keeps what V8 has compiled the supervisor to, unless it comes from there: see ../code-cache.ts. */
export async function keepCode(environment: Environment, uid: number): Promise<void> {
  const code = loading()?.code;
  if (code === undefined) return;
  // Made before anything is waited for: whoever calls changes V8's flags then.
  const contents = sealed(code.contents());
  const directory = await openCache([cacheDirectory(environment, uid)], uid);
  await rename(await write(directory, code.name, contents), join(directory, code.name));
  await prune(directory, codeEnd, codeCapacity, new Set());
}

/** Writes under a name that nobody looks for; gives that. */
async function write(directory: string, name: string, contents: string | Uint8Array): Promise<string> {
  const temporary = join(directory, `${name}.${randomUUID()}.new`);
  try {
    await writeFile(temporary, contents, { flag: "wx", mode: 0o600 });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** Removes what was not used for longest, but for the modules in `keep`. */
export async function pruneCache(directory: string, keep: readonly string[]): Promise<void> {
  const kept = new Set(keep.flatMap((compiled) => [compiled, `${compiled}.map`]));
  for (const kind of kinds) await prune(directory, kind, capacity, kept);
}

async function prune(
  directory: string,
  kind: string,
  capacity: number,
  kept: ReadonlySet<string>,
): Promise<void> {
  const files = (await readdir(directory))
    .map((name) => join(directory, name))
    .filter((file) => file.endsWith(kind) && !kept.has(file));
  const aged = await Promise.all(files.map(async (file) => ({ file, used: await lastUse(file) })));
  const old = aged.sort((a, b) => b.used - a.used).slice(capacity);
  await Promise.all(old.map(({ file }) => rm(file, { force: true })));
}

async function lastUse(file: string): Promise<number> {
  try {
    return (await lstat(file)).mtimeMs;
  } catch {
    return 0; // Another supervisor of ours has removed it.
  }
}
