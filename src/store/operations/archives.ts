// Store items as archives that another store can import.

import { Writable } from "node:stream";
import { check } from "../../daemon/definition/check.js";
import { writeTo } from "../build-output.js";
import { perform, type StoreConnection } from "../connection.js";
import { StoreError } from "../errors.js";
import type { Source } from "../messages.js";
import { int, strings, type Wait } from "../wire/decode.js";
import { Encoder } from "../wire/encoder.js";
import { argument, checkArgument } from "./arguments.js";
import { requisites, topologicallySorted } from "./queries.js";

/** Takes an archive in pieces. A stream is not ended; a promise that a function gives is waited for. */
export type ArchiveSink = Writable | ((data: Buffer) => void | Promise<void>);

/** An archive: its bytes, or what gives them in pieces, such as a Readable. */
export type ArchiveSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const archiveSink = check<ArchiveSink>(
  "a Writable, or a function that takes bytes",
  (value) => value instanceof Writable || typeof value === "function",
);

const archiveSource = check<ArchiveSource>(
  "bytes, or what gives them in pieces",
  (value) =>
    typeof value === "object" &&
    value !== null &&
    (Symbol.asyncIterator in value || Symbol.iterator in value),
);

export interface ExportOptions {
  /** Whether the daemon signs each item; default true. Guix's daemons import nothing else. */
  readonly sign?: boolean;
  /** Whether all that the items refer to, directly or not, is exported, too; default false. */
  readonly recursive?: boolean;
}

/** Writes an archive of `paths`: what is referred to comes before what refers to it. */
export async function exportPaths(
  store: StoreConnection,
  paths: readonly string[],
  sink: ArchiveSink,
  options: ExportOptions = {},
): Promise<void> {
  const what = "exportPaths";
  const { sign = true, recursive = false } = options;
  checkArgument(what, "paths", paths, argument.paths);
  checkArgument(what, "sink", sink, archiveSink);
  checkArgument(what, "sign", sign, argument.flag);
  checkArgument(what, "recursive", recursive, argument.flag);
  const items = recursive ? await requisites(store, paths) : await topologicallySorted(store, paths);
  for (const path of items) {
    await give(sink, oneMore);
    await exportPath(store, path, sink, sign);
  }
  await give(sink, noMore);
}

/** What stands before each item, and after the last. */
const oneMore = new Encoder().int(1).done();
const noMore = new Encoder().int(0).done();

/** Writes what an archive has of one item, as the daemon gives it. */
export async function exportPath(
  store: StoreConnection,
  path: string,
  sink: ArchiveSink,
  sign: boolean,
): Promise<void> {
  await perform(store, {
    name: "exportPaths",
    operation: 16,
    encode: (encoder) => encoder.string(path).flag(sign),
    decode: (input) => int(input, "that it is done"),
    sink: (data) => give(sink, data),
    long: true,
  });
}

/** An archive must be whole: a stream that has ended is an error here. */
function give(sink: ArchiveSink, data: Buffer): Wait {
  if (typeof sink === "function") return sink(data) ?? undefined;
  if (!sink.writable)
    throw sink.errored ?? new StoreError("exportPaths: the stream for the archive has ended");
  return writeTo(sink, data)?.then(() => {
    if (sink.errored !== null) throw sink.errored;
  });
}

/** Adds the items of an archive to the store, and gives their names in the archive's order. */
export async function importPaths(store: StoreConnection, source: ArchiveSource): Promise<readonly string[]> {
  const name = "importPaths";
  checkArgument(name, "source", source, archiveSource);
  const pieces = source instanceof Uint8Array ? [source] : source;
  const iterator =
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  try {
    return await perform(store, {
      name,
      operation: 27,
      decode: (input) => strings(input, "store items"),
      source: sourceOf(iterator),
      long: true,
    });
  } finally {
    // The daemon stops at the archive's end; whatever gives the pieces need not. It is not waited for: a piece may be
    // under way that never comes.
    stop(iterator).catch(() => {});
  }
}

async function stop(iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array>): Promise<void> {
  await iterator.return?.();
}

function sourceOf(iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array>): Source {
  let rest: Uint8Array = Buffer.alloc(0);
  return async (limit) => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return rest;
      rest = next.value;
    }
    const taken = rest.subarray(0, limit);
    rest = rest.subarray(taken.length);
    return taken;
  };
}
