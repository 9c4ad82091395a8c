// The kinds of compression, and how the compressor's process says what became of it.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { describeErrno } from "../keeper/errno.js";
import type { Suffix } from "./messages.js";

/** How old log files are kept. */
export type Compression = "gzip" | "zstd" | "none";

export const compressions: readonly Compression[] = ["gzip", "zstd", "none"];

export const suffixOf: Readonly<Record<Compression, Suffix>> = { gzip: ".gz", zstd: ".zst", none: "" };

/** Beyond every errno; the rest are errnos. */
export const exitCode = { noZstd: 253, mistake: 254, unexpected: 255 } as const;

const zstdProgram = "zstd";

/** Node's own Zstandard, which the older ones have not. */
export function ownZstd(): Transform | undefined {
  const make: unknown = Reflect.get(zlib, "createZstdCompress");
  return typeof make === "function" ? (make() as Transform) : undefined;
}

/** The program `zstd`, where the directories of a PATH have one. */
export function findZstd(path = ""): string | undefined {
  return path
    .split(delimiter)
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => join(directory, zstdProgram))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @param path where programs are looked for, as PATH has it */
export function canCompress(compression: Compression, path: string | undefined): boolean {
  return compression !== "zstd" || ownZstd() !== undefined || findZstd(path) !== undefined;
}

/** The exit status for an exception: its errno, where it has one. */
export function exitCodeOf(error: unknown): number {
  const errno = error instanceof Error && "errno" in error ? Number(error.errno) : Number.NaN;
  return errno < 0 && errno > -exitCode.noZstd ? -errno : exitCode.unexpected;
}

/** What an exit status other than 0 means, for a sentence that begins with `compress FILE: `. */
export function describeExit(status: number): string {
  switch (status) {
    case exitCode.noZstd:
      return `this Node (${process.version}) has no Zstandard, and there is no program ${zstdProgram} in PATH`;
    case exitCode.mistake:
      return "the compressor does not understand its command line: is it of another release?";
    case exitCode.unexpected:
      return "the compressor failed; what it said is on the keeper's standard error";
    default:
      return describeErrno(status);
  }
}
