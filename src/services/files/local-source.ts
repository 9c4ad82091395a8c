// The contents of local files: read where a configuration is built, and known by their hash where it runs. The compiled
// module of a system begins with a table of the local files that it was built with, so that the supervisor, which
// evaluates that module again, neither reads them nor needs them.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { userPosition } from "../../daemon/definition/call-site.js";
import { fail, type Subject, show } from "../../daemon/definition/check.js";
import { errorText } from "../../daemon/error-text.js";
import { contentHash } from "./content-hash.js";

/** What is known of a local file. */
export interface LocalSource {
  /** Its absolute name when it was read. */
  readonly file: string;
  readonly mode: number;
  readonly hash: string;
  /** Absent where the system was built elsewhere: the file lies in the system directory then. */
  readonly contents?: Uint8Array;
}

/** By the path that the configuration gives. */
export type LocalFileTable = Readonly<Record<string, Omit<LocalSource, "contents">>>;

/** Where a compiled module leaves its table. */
const tableKey = Symbol.for("shepherd-ts.local-files");

/** Whatever is larger is no configuration file. */
const largest = 16 * 1024 * 1024;

/** The statement that a compiled module begins with, on a line of its own. */
export function tableStatement(table: LocalFileTable): string {
  return `globalThis[Symbol.for("shepherd-ts.local-files")] = ${JSON.stringify(table)};\n`;
}

/** The files that were read in this process, by the paths that the configuration gives. */
const known = new Map<string, LocalSource>();

/**
 * What is known of the local file `path`: what the table says or, where a configuration is being built, what is there.
 *
 * @throws DefinitionError where it cannot be read, and where `path`, which is relative, means two different files
 */
export function localSource(of: Subject, path: string): LocalSource {
  const table: unknown = Reflect.get(globalThis, tableKey);
  if (isTable(table) && Object.hasOwn(table, path)) return table[path] as LocalSource;
  const source = read(of, path);
  const other = known.get(path);
  if (other !== undefined && other.file !== source.file)
    fail(
      of,
      `the path: ${show(path)} means ${source.file} here, and ${other.file} elsewhere; use absolute names`,
    );
  known.set(path, source);
  return source;
}

/** The table of all local files that were read in this process. */
export function localFileTable(): LocalFileTable {
  const entries = [...known].map(([path, { file, mode, hash }]) => [path, { file, mode, hash }] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isTable(value: unknown): value is LocalFileTable {
  return typeof value === "object" && value !== null;
}

function read(of: Subject, path: string): LocalSource {
  const file = absoluteName(of, path);
  let descriptor: number | undefined;
  try {
    // Opening a FIFO without this waits until somebody writes.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(descriptor);
    if (!status.isFile()) fail(of, `${show(file)} is not a regular file`);
    if (status.size > largest) fail(of, `${show(file)} has more than ${largest} bytes`);
    const contents = readFileSync(descriptor);
    return { file, mode: modeFor(status.mode), hash: contentHash(modeFor(status.mode), contents), contents };
  } catch (error) {
    if (error instanceof Error && error.name === "DefinitionError") throw error;
    return fail(of, `cannot read ${show(file)}: ${errorText(error)}`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function absoluteName(of: Subject, path: string): string {
  if (isAbsolute(path)) return path;
  if (of.position === undefined)
    fail(of, `the path: expected an absolute file name outside of configuration modules, got ${show(path)}`);
  return join(dirname(userPosition(of.position).file), path);
}

/** Who may write it is no property of the system that it becomes a part of; that others may not read it is. */
function modeFor(mode: number): number {
  const readable = (mode & 0o004) === 0 ? 0o400 : 0o444;
  return (mode & 0o100) === 0 ? readable : readable | (readable >> 2);
}
