// Cleans directories: removes what is in them and older than their lines say. What another line is for stays, and so does
// what is mounted, a device, a socket that is in use, and a file with the sticky bit.

import type { BigIntStats } from "node:fs";
import { readFile, utimes } from "node:fs/promises";
import { type Directory, PlaceError, within } from "../../src/services/activation/directory.js";
import { openPlace, type Root } from "../../src/services/activation/place.js";
import type { Age, TimeKind } from "./age.js";
import { matchesPath } from "./glob.js";
import type { Plan } from "./plan.js";

/** Directories deeper than this are left alone. */
const deepest = 256;

export interface Cleaning {
  readonly root: Root;
  readonly plan: Plan;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Says what could not be removed. */
  readonly failed: (error: PlaceError) => void;
}

/** Cleans one directory, if it is there. */
export async function cleanDirectory(path: string, age: Age, cleaning: Cleaning): Promise<void> {
  const oldest = cleaning.now - age.seconds * 1000;
  if (oldest < 0) return;
  const cleaner = new Cleaner(age, BigInt(Math.floor(oldest)) * 1_000_000n, cleaning, await socketsInUse());
  try {
    await within(openPlace(cleaning.root, path), (directory) => cleaner.clean(directory, path));
  } catch (error) {
    if (!(error instanceof PlaceError)) throw error;
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") cleaning.failed(error);
  }
}

class Cleaner {
  readonly #age: Age;
  /** Nanoseconds since the epoch: what is younger stays. */
  readonly #cutoff: bigint;
  readonly #cleaning: Cleaning;
  readonly #sockets: ReadonlySet<string>;
  readonly #patterns: readonly string[];

  constructor(age: Age, cutoff: bigint, cleaning: Cleaning, sockets: ReadonlySet<string>) {
    this.#age = age;
    this.#cutoff = cutoff;
    this.#cleaning = cleaning;
    this.#sockets = sockets;
    this.#patterns = [...cleaning.plan.patterns.keys()];
  }

  async clean(directory: Directory, path: string): Promise<void> {
    const status = await directory.status(".");
    const above = await directory.status("..");
    if (status === undefined) return;
    const isMountPoint = above === undefined || above.dev !== status.dev || above.ino === status.ino;
    await this.#level(directory, path, { depth: 0, isMountPoint, device: status.dev, status });
  }

  async #level(
    directory: Directory,
    path: string,
    at: {
      readonly depth: number;
      readonly isMountPoint: boolean;
      readonly device: bigint;
      readonly status: BigIntStats;
    },
  ): Promise<void> {
    const mount = await directory.mount();
    let hasChanged = false;
    for (const name of await directory.names()) {
      const place = `${path === "/" ? "" : path}/${name}`;
      try {
        const status = await directory.status(name);
        if (status === undefined || status.dev !== at.device || this.#isForOthers(place)) continue;
        const isKept = this.#age.keepsFirstLevel && at.depth === 0;
        if (!status.isDirectory()) {
          if (isKept || !this.#isLitter(status, name, place, at.isMountPoint)) continue;
          await directory.unlink(name);
          hasChanged = true;
          continue;
        }
        // What fsck has saved.
        if (at.isMountPoint && name === "lost+found" && status.uid === 0n) continue;
        if (at.depth >= deepest) continue;
        const isSame = await within(directory.enter(name), async (inner) => {
          if ((await inner.mount()) !== mount) return false;
          const next = { depth: at.depth + 1, isMountPoint: false, device: at.device, status };
          await this.#level(inner, place, next);
          return true;
        });
        if (!isSame || isKept || !this.#isOld(status, this.#age.directories)) continue;
        hasChanged = (await removeIfEmpty(directory, name)) || hasChanged;
      } catch (error) {
        if (!(error instanceof PlaceError)) throw error;
        if (error.code !== "ENOENT") this.#cleaning.failed(error);
      }
    }
    // Otherwise what has been cleaned would be young again.
    if (hasChanged) await keepTimes(directory, at.status);
  }

  /** Whether another line says what becomes of it. */
  #isForOthers(path: string): boolean {
    if (this.#cleaning.plan.places.has(path)) return true;
    return this.#patterns.some((pattern) => matchesPath(path, pattern));
  }

  #isLitter(status: BigIntStats, name: string, place: string, isMountPoint: boolean): boolean {
    // By a convention of systemd's: whoever sets it on a file wants to keep that.
    if ((status.mode & 0o1000n) !== 0n && !status.isSymbolicLink()) return false;
    const isOfFileSystem = /^(?:\.journal|aquota\.(?:user|group)|quota\.(?:user|group))$/.test(name);
    if (isMountPoint && status.isFile() && isOfFileSystem && status.uid === 0n) return false;
    if (status.isSocket() && this.#sockets.has(place)) return false;
    if (status.isBlockDevice() || status.isCharacterDevice()) return false;
    return this.#isOld(status, this.#age.files);
  }

  #isOld(status: BigIntStats, kinds: readonly TimeKind[]): boolean {
    const times = { a: status.atimeNs, b: status.birthtimeNs, c: status.ctimeNs, m: status.mtimeNs };
    return kinds.every((kind) => times[kind] < this.#cutoff);
  }
}

/** Whether it was removed: one that has something in it stays. */
async function removeIfEmpty(directory: Directory, name: string): Promise<boolean> {
  try {
    await directory.removeDirectory(name);
    return true;
  } catch (error) {
    if (error instanceof PlaceError && ["ENOTEMPTY", "ENOENT"].includes(error.code ?? "")) return false;
    throw error;
  }
}

async function keepTimes(directory: Directory, { atimeMs, mtimeMs }: BigIntStats): Promise<void> {
  try {
    await utimes(directory.at("."), Number(atimeMs) / 1000, Number(mtimeMs) / 1000);
  } catch {
    // It has been removed, or is not ours: then it is cleaned later.
  }
}

/** The names of sockets that some process holds. */
async function socketsInUse(): Promise<ReadonlySet<string>> {
  let text: string;
  try {
    text = await readFile("/proc/net/unix", "utf8");
  } catch {
    return new Set();
  }
  const names = text.split("\n").flatMap((line) => /^(?:\S+\s+){7}(\/.*)$/.exec(line)?.[1] ?? []);
  return new Set(names);
}
