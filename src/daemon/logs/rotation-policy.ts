// How logs are rotated: the options, their checks and their defaults.

import { type Checks, check, checkFields, type Subject } from "../definition/check.js";
import { fields, isCount, listOf } from "../definition/fields.js";
import { type Compression, compressions } from "./compression.js";

/** What `rotateLogs` takes; the manual's "Log Rotation Service" has the defaults, where it has the option. */
export interface RotationOptions {
  /** A log file is rotated if it has more than so many bytes; default 8192. */
  readonly sizeThreshold?: number;
  /** Default `"gzip"`. `"zstd"` needs a Node that has it, or else the program `zstd`. */
  readonly compression?: Compression;
  /** Seconds after its last line for which an old file is kept; default 90 days. */
  readonly expiry?: number;
  /** How many old files of each log are kept at most, 1 to 1000; default 100. */
  readonly keep?: number;
  /**
   * Files that other programs write: absolute names; default none. They are copied, and then cut; what such a program
   * writes between the last look at its file and the cut is lost, and one that does not append leaves a hole.
   */
  readonly externalLogFiles?: readonly string[];
}

export type RotationPolicy = Required<RotationOptions>;

/** What holds while a service runs. */
export interface SizedPolicy extends RotationPolicy {
  /** Bytes; a file that has more is rotated at once. Absent: files may grow. */
  readonly maxSize?: number;
}

const mostOldFiles = 1000;
/** In bytes and seconds: what the log writer's orders can say. */
const mostBytes = Number.MAX_SAFE_INTEGER;
const mostSeconds = 2 ** 32 - 1;

export const isSize = (value: unknown): value is number => isCount(value) && value <= mostBytes;

export const rotationChecks: Checks<RotationOptions> = {
  sizeThreshold: check("a number of bytes", isSize),
  compression: check(compressions.map((one) => `"${one}"`).join(", "), (value) =>
    compressions.some((one) => one === value),
  ),
  expiry: check(
    `a number of seconds from 1 to ${mostSeconds}`,
    (value) => typeof value === "number" && value >= 1 && value <= mostSeconds,
  ),
  keep: check(
    `an integer from 1 to ${mostOldFiles}`,
    (value) => isCount(value) && value >= 1 && value <= mostOldFiles,
  ),
  externalLogFiles: listOf("a list of absolute file names", fields.absoluteFile.matches),
};

/** @throws DefinitionError that names the field and what was expected */
export function checkPolicy(of: Subject, options: RotationOptions): RotationPolicy {
  return policyOf(checkFields(of, options, rotationChecks));
}

export function policyOf({
  sizeThreshold = 8192,
  compression = "gzip",
  expiry = 90 * 24 * 60 * 60,
  keep = 100,
  externalLogFiles = [],
}: RotationOptions): RotationPolicy {
  return { sizeThreshold, compression, expiry, keep, externalLogFiles };
}
