// The bytes of a log file from its beginning on, uncompressed, in chunks.
import { spawn } from "node:child_process";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import type { Readable, Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { OpenSegment } from "./segments.js";

export const chunkSize = 256 * 1024;
const NEWLINE = 0x0a;

/** At most one chunk at a position of a plain file; empty at its end. Each call has memory of its own. */
export function readChunk(descriptor: number, position: number, most = chunkSize): Buffer {
  const buffer = Buffer.allocUnsafe(Math.min(chunkSize, most));
  return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, position));
}

/** The content of a compressed file. Its descriptor stays open. Throws an Error that names the file and the reason. */
export async function* unpacked(segment: OpenSegment): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of segment.packing === "gz" ? gunzipped(segment) : unzstd(segment))
      yield Buffer.from(chunk);
  } catch (error) {
    throw new Error(
      `cannot uncompress ${segment.path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The position where the last `count` lines of a plain file begin, or the first of fewer, and how many those are. */
export function lastLines(
  descriptor: number,
  size: number,
  count: number,
): { readonly position: number; readonly lines: number } {
  if (count <= 0) return { position: size, lines: 0 };
  let lines = 0;
  // Where the line ends whose beginning is looked for; the end of the last one need not be marked.
  let end = size;
  while (end > 0) {
    const from = Math.max(0, end - chunkSize);
    const block = readChunk(descriptor, from, end - from);
    // The file was cut meanwhile.
    if (block.length < end - from) return { position: 0, lines: lines + 1 };
    for (let at = newlineBefore(block, end === size ? block.length - 1 : block.length); at >= 0; ) {
      lines += 1;
      if (lines === count) return { position: from + at + 1, lines };
      at = newlineBefore(block, at);
    }
    end = from;
  }
  return { position: 0, lines: size === 0 ? 0 : lines + 1 };
}

/** Of a newline before the index; lastIndexOf takes a negative index to count from the end. */
function newlineBefore(block: Buffer, index: number): number {
  return index <= 0 ? -1 : block.lastIndexOf(NEWLINE, index - 1);
}

function packed({ descriptor }: OpenSegment): Readable {
  return createReadStream("", { fd: descriptor, start: 0, autoClose: false, highWaterMark: chunkSize });
}

function gunzipped(segment: OpenSegment): AsyncIterable<Uint8Array> {
  return through(packed(segment), zlib.createGunzip({ chunkSize }));
}

/** Node has Zstandard from release 22.15 on; otherwise the program is asked. */
function unzstd(segment: OpenSegment): AsyncIterable<Uint8Array> {
  const make: unknown = Reflect.get(zlib, "createZstdDecompress");
  return typeof make === "function"
    ? through(packed(segment), make({ chunkSize }) as Transform)
    : throughProgram(segment);
}

/** An error of the file ends the reading with it. */
function through(source: Readable, transform: Transform): AsyncIterable<Uint8Array> {
  source.once("error", (error) => transform.destroy(error));
  return source.pipe(transform);
}

async function* throughProgram({ descriptor }: OpenSegment): AsyncGenerator<Uint8Array> {
  // The program begins where the descriptor is: each reading has one of its own.
  const input = openSync(`/proc/self/fd/${descriptor}`, "r");
  const child = spawn("zstd", ["-d", "-c", "-q"], { stdio: [input, "pipe", "inherit"] });
  closeSync(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", () =>
      reject(
        new Error(`this Node (${process.version}) has no Zstandard, and there is no program zstd in PATH`),
      ),
    );
  });
  // It is awaited below, after the output.
  ended.catch(() => undefined);
  try {
    yield* child.stdout ?? [];
    const status = await ended;
    if (status !== 0) throw new Error(`zstd ended with status ${status}`);
  } finally {
    child.kill();
  }
}
