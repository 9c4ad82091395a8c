// The files of one log, the one that is written and the older ones, as log-rotation.md §1 names them; also while they
// are being rotated and compressed.
import { closeSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode } from "../system-error.js";

export type Packing = "plain" | "gz" | "zst";

/** A file, whatever its name is by now. */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** Nanoseconds; a compressed file has that of the file from which it was made. */
  readonly changed: bigint;
}

export interface Segment extends Identity {
  readonly path: string;
  /** 0 of the file that is written; the higher, the older. */
  readonly number: number;
  readonly packing: Packing;
}

export interface OpenSegment extends Segment {
  /** Whoever has it closes it. */
  readonly descriptor: number;
}

/** How often a directory is looked at again because files were renamed meanwhile. */
const mostLooks = 100;
const oldName = /^\.(\d{1,4})(?:\.(gz|zst))?$/;

export function sameFile(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** The files there are at this moment, newest first. Throws the system's error where the directory cannot be read. */
export function listSegments(path: string): Segment[] {
  const segments = namesBeside(path).flatMap(
    ([name, number, packing]) => segmentAt(name, number, packing) ?? [],
  );
  const plain = new Map(segments.flatMap((one) => (one.packing === "plain" ? [[one.number, one]] : [])));
  return segments
    .filter((one) => one.packing === "plain" || plain.get(one.number)?.changed !== one.changed)
    .sort((one, other) => one.number - other.number || compare(other.changed, one.changed));
}

/** Opens the files one after the other, newest first, each once. */
export function* openNewestFirst(path: string): Generator<OpenSegment> {
  let last: Segment | undefined;
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const left = listSegments(path);
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
  throw new Error(`cannot read ${path}: its files are renamed faster than they can be opened`);
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
export function identityOf(descriptor: number): Identity & { readonly size: number } {
  const { dev, ino, mtimeNs, size } = fstatSync(descriptor, { bigint: true });
  return { dev, ino, changed: mtimeNs, size: Number(size) };
}

/** Undefined where there is no such file. */
export function identityAt(path: string): Identity | undefined {
  try {
    const { dev, ino, mtimeNs } = statSync(path, { bigint: true });
    return { dev, ino, changed: mtimeNs };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
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
  return sameFile(segment, one) || (segment.packing !== "plain" && segment.changed === one.changed);
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function namesBeside(path: string): (readonly [path: string, number: number, packing: Packing])[] {
  const name = basename(path);
  const old = filesOf(dirname(path)).flatMap((file) => {
    const [, number, suffix] = (file.startsWith(name) && oldName.exec(file.slice(name.length))) || [];
    if (number === undefined || Number(number) === 0) return [];
    const packing: Packing = suffix === "gz" || suffix === "zst" ? suffix : "plain";
    return [[join(dirname(path), file), Number(number), packing] as const];
  });
  return [[path, 0, "plain"], ...old];
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
  return identity === undefined ? undefined : { path, number, packing, ...identity };
}

/** Undefined where another file, or none, has the name by now. */
function openSegment(segment: Segment): OpenSegment | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(segment.path, "r");
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
