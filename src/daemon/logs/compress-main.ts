// The compressor, a program of its own: reads descriptor 3 and writes descriptor 4, and knows no file by its name.
//
//   node compress.cjs gzip|zstd|none LENGTH
//
// Exit status: 0 when all of it is on the disk; else the errno of what failed, or one of `exitCode`.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, createWriteStream, fsyncSync } from "node:fs";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { exitCode, exitCodeOf, findZstd, ownZstd } from "./compression.js";

const input = 3;
const output = 4;
const chunk = 256 * 1024;

async function main([kind, length]: readonly string[]): Promise<number> {
  const bytes = Number(length);
  if (!Number.isSafeInteger(bytes) || bytes < 0) return exitCode.mistake;
  const source =
    bytes === 0
      ? Readable.from([])
      : createReadStream("", { fd: input, start: 0, end: bytes - 1, highWaterMark: chunk });
  const status = await write(kind, source);
  if (status === 0) fsyncSync(output);
  return status;
}

async function write(kind: string | undefined, source: Readable): Promise<number> {
  const target = (): NodeJS.WritableStream => createWriteStream("", { fd: output, autoClose: false });
  switch (kind) {
    case "none":
      await pipeline(source, target());
      return 0;
    case "gzip":
      await pipeline(source, createGzip({ level: constants.Z_BEST_COMPRESSION }), target());
      return 0;
    case "zstd": {
      const own: Transform | undefined = ownZstd();
      if (own === undefined) return await writeThroughProgram(source);
      await pipeline(source, own, target());
      return 0;
    }
    default:
      return exitCode.mistake;
  }
}

async function writeThroughProgram(source: Readable): Promise<number> {
  const program = findZstd(process.env.PATH);
  if (program === undefined) return exitCode.noZstd;
  const child: ChildProcess = spawn(program, ["-q", "-c"], { stdio: ["pipe", output, "inherit"] });
  const ended = once(child, "exit");
  if (child.stdin !== null) await pipeline(source, child.stdin);
  const [status] = await ended;
  return status === 0 ? 0 : exitCode.unexpected;
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => process.exit(exitCodeOf(error)),
);
