// The files of one log, the one that is written and the older ones, as log-rotation.md §1 names them; also while they
// are being rotated and compressed.
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode } from "../system-error.js";

export type Packing = "plain" | "gz" | "zst";

/** A file, whatever its name is by now. */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** Nanoseconds; a compressed file has that of the file from which it was made. */
  readonly changed: bigint;
  /** Bytes. */
  readonly size: number;
}

export interface Segment extends Identity {
  readonly path: string;
  /** 0 of the file that is written; the higher, the older. */
  readonly number: number;
  readonly packing: Packing;
  /** Whether the clock was set back while it was written: its last line is earlier than that of the file before. */
  readonly setBack: boolean;
}

export interface OpenSegment extends Segment {
  /** Whoever has it closes it. */
  readonly descriptor: number;
}

/** How often a directory is looked at again because files were renamed meanwhile. */
const mostLooks = 100;
const oldName = /^(.+)\.(\d{1,4})(?:\.(gz|zst))?$/;

interface OldFile {
  readonly file: string;
  readonly number: number;
  readonly packing: Packing;
}

/** Gives the older files of a directory, by the name of the file that is written. */
export type Look = (directory: string) => ReadonlyMap<string, readonly OldFile[]>;

/** Reads each directory once: thousands of services may have their logs in one. */
export function lookOnce(): Look {
  const seen = new Map<string, ReturnType<Look>>();
  return (directory) => {
    const files = seen.get(directory) ?? oldFilesIn(directory);
    seen.set(directory, files);
    return files;
  };
}

export function sameFile(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** The files there are at this moment, newest first. Throws the system's error where the directory cannot be read. */
export function listSegments(path: string, look: Look = oldFilesIn): Segment[] {
  const old = look(dirname(path)).get(basename(path)) ?? [];
  const segments = [
    segmentAt(path, 0, "plain") ?? [],
    ...old.map(({ file, number, packing }) => segmentAt(join(dirname(path), file), number, packing) ?? []),
  ].flat();
  const plain = new Map(segments.flatMap((one) => (one.packing === "plain" ? [[one.number, one]] : [])));
  const isCopy = (one: Segment): boolean => {
    const original = plain.get(one.number);
    return original !== undefined && isMadeFrom(one, original);
  };
  return segments
    .filter((one) => !isCopy(one))
    .sort((one, other) => one.number - other.number || compare(other.changed, one.changed))
    .map((one, index, all) => ({ ...one, setBack: (all[index + 1]?.changed ?? one.changed) > one.changed }));
}

/**
 * Opens the files one after the other, newest first, each once.
 *
 * @param found the files as they were a moment ago
 */
export function* openNewestFirst(
  path: string,
  found: readonly Segment[] = listSegments(path),
): Generator<OpenSegment> {
  let last: Segment | undefined;
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const left = looks === 0 ? [...found] : listSegments(path);
    if (last !== undefined) left.splice(0, left.length - olderThan(last, left).length);
    let moved = false;
    for (const segment of left) {
      const opened = openSegment(segment);
      // It has another name now, or another form.
      moved = opened === undefined;
      if (opened === undefined) break;
      last = segment;
      yield opened;
    }
    if (!moved) return;
  }
  throw new Error("its files are renamed faster than they can be opened");
}

export interface Newer {
  /** Oldest first. */
  readonly segments: readonly OpenSegment[];
  /** Whether files in between may have been removed. */
  readonly gap: boolean;
}

/**
 * Opens the files that are newer than one, at most so many; undefined where they are being renamed: then they are to be
 * looked for again.
 */
export function openNewer(path: string, than: Identity | undefined, most: number): Newer | undefined {
  const all = listSegments(path);
  const rest = than === undefined ? [] : sameOrOlder(than, all);
  const gap = than !== undefined && (rest[0] === undefined || !isSameLog(rest[0], than));
  const newer = all.slice(0, all.length - rest.length);
  const opened: OpenSegment[] = [];
  for (const segment of newer.reverse().slice(0, most)) {
    const one = openSegment(segment);
    if (one === undefined) {
      for (const { descriptor } of opened) closeSync(descriptor);
      return undefined;
    }
    opened.push(one);
  }
  return { segments: opened, gap };
}

/** The file that a descriptor is open on, as it is now. */
export function identityOf(descriptor: number): Identity {
  return identityFrom(fstatSync(descriptor, { bigint: true }));
}

/** Undefined where there is no such file, or something else, such as a FIFO that a service's user has put there. */
export function identityAt(path: string): Identity | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    return stats.isFile() ? identityFrom(stats) : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function identityFrom({ dev, ino, mtimeNs, size }: BigIntStats): Identity {
  return { dev, ino, changed: mtimeNs, size: Number(size) };
}

function olderThan(one: Segment, all: readonly Segment[]): readonly Segment[] {
  const [first, ...rest] = sameOrOlder(one, all);
  return first === undefined || !isSameLog(first, one) ? sameOrOlder(one, all) : rest;
}

/** What begins with the file itself, where it is still there, compressed perhaps. */
function sameOrOlder(one: Identity, all: readonly Segment[]): readonly Segment[] {
  const same = all.findIndex((other) => sameFile(other, one));
  const index = same >= 0 ? same : all.findIndex((other) => isSameLog(other, one));
  if (index >= 0) return all.slice(index);
  // It has expired. What is written now is newer, whatever the clock says.
  const older = all.findIndex(({ changed, number }) => number > 0 && changed <= one.changed);
  return older < 0 ? [] : all.slice(older);
}

function isSameLog(segment: Segment, one: Identity): boolean {
  return sameFile(segment, one) || isMadeFrom(segment, one);
}

/** Files that were rotated in quick succession may have one time of change: then the length decides. */
function isMadeFrom(segment: Segment, original: Identity): boolean {
  if (segment.packing === "plain" || segment.changed !== original.changed) return false;
  const length = segment.packing === "gz" ? gzippedLength(segment) : undefined;
  return length === undefined || length === original.size % 2 ** 32;
}

/** What a gzip file ends with: the length of its content, modulo 2^32. Undefined where it cannot be told. */
function gzippedLength(segment: Segment): number | undefined {
  const opened = openSegment(segment);
  if (opened === undefined) return undefined;
  const end = Buffer.alloc(4);
  try {
    const length = readSync(opened.descriptor, end, 0, end.length, Math.max(0, segment.size - end.length));
    return length === end.length ? end.readUInt32LE() : undefined;
  } finally {
    closeSync(opened.descriptor);
  }
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function oldFilesIn(directory: string): ReturnType<Look> {
  const found = new Map<string, OldFile[]>();
  for (const file of filesOf(directory)) {
    const [, name, digits, suffix] = oldName.exec(file) ?? [];
    const number = Number(digits);
    if (name === undefined || number === 0) continue;
    const packing: Packing = suffix === "gz" || suffix === "zst" ? suffix : "plain";
    const others = found.get(name);
    if (others === undefined) found.set(name, [{ file, number, packing }]);
    else others.push({ file, number, packing });
  }
  return found;
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

function segmentAt(path: string, number: number, packing: Packing): Segment | undefined {
  const identity = identityAt(path);
  return identity === undefined ? undefined : { path, number, packing, setBack: false, ...identity };
}

/** Undefined where another file, or none, has the name by now. */
function openSegment(segment: Segment): OpenSegment | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(segment.path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
  if (sameFile(identityOf(descriptor), segment)) return { ...segment, descriptor };
  closeSync(descriptor);
  return undefined;
}

function isAbsence(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
