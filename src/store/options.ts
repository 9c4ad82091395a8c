// The options of a connection, and their checks.

import { Duplex } from "node:stream";
import {
  type Check,
  check,
  checkFields,
  checkValue,
  fail,
  isRecord,
  type Subject,
} from "../daemon/definition/check.js";
import { fields, isCount, isSeconds, listOf } from "../daemon/definition/fields.js";
import { type BuildOutputPort, buildOutputPort } from "./build-output.js";
import type { SshOptions } from "./transport/ssh.js";

export interface ConnectionOptions {
  /**
   * Whether the daemon is to keep some space of its disk, so that garbage can be collected when the disk is full; false
   * frees that space. Default true.
   */
  readonly reserveSpace?: boolean;
  /** The number of the CPU that the daemon's process for the connection is to run on; default: any. */
  readonly cpuAffinity?: number;
  /** A stream to a daemon that is open already, instead of a URI. The connection owns it from then on. */
  readonly port?: Duplex;
  /** Seconds until there must be a connection, and the daemon must have answered; default 10. */
  readonly connectTimeout?: number;
  /**
   * Seconds without a byte from the daemon after which a request fails and the connection is closed. Default 3600, but none
   * for what may be silent for longer: builds and substitutes, archives, garbage collection, verification, optimisation.
   * Where it is given it counts for these, too.
   */
  readonly idleTimeout?: number;
  /** Where what the daemon says of its work goes; default: to what `currentBuildOutputPort` is when a request is made. */
  readonly buildOutputPort?: BuildOutputPort;
  /**
   * The directory of the daemon's store, by which the names that it gives are verified; default: the environment's
   * NIX_STORE_DIR, or else `/gnu/store`.
   */
  readonly storeDirectory?: string;
  /** How ssh is run. */
  readonly ssh?: SshOptions;
  /** Closes the connection, whatever it is doing, when it is aborted. */
  readonly signal?: AbortSignal;
}

const what = "openConnection";
const subject: Subject = { what };

const seconds: Check<number> = check(
  `${fields.seconds.expected}, and not 0`,
  (value) => isSeconds(value) && value > 0,
);

function isByteStream(value: unknown): boolean {
  if (!(value instanceof Duplex) || value.readableEncoding !== null) return false;
  return !value.readableObjectMode && !value.writableObjectMode;
}

const optionChecks = {
  reserveSpace: fields.flag,
  cpuAffinity: check<number>("the number of a CPU", (value) => isCount(value) && value < 2 ** 16),
  port: check<Duplex>("a stream of bytes that is open both ways", isByteStream),
  connectTimeout: seconds,
  idleTimeout: seconds,
  buildOutputPort,
  storeDirectory: check<string>(
    `${fields.absoluteFile.expected}, without a slash at its end`,
    (value) => fields.absoluteFile.matches(value) && !/.\/$/.test(value),
  ),
  ssh: check<SshOptions>("an object with options of ssh", isRecord),
  signal: check<AbortSignal>("an AbortSignal", (value) => value instanceof AbortSignal),
} as const;

const sshChecks = {
  program: fields.file,
  arguments: listOf<string>("a list of strings", fields.text.matches),
  command: fields.file,
} as const;

/** Fails unless the arguments of `openConnection` are what they should be; gives the options. */
export function checkedOptions(uri: string | undefined, options: ConnectionOptions): ConnectionOptions {
  if (uri !== undefined) checkValue(subject, uri, fields.file, 'argument "uri"');
  const checked = checkFields(subject, options, optionChecks);
  if (checked.ssh !== undefined) checkFields({ what: `${what}: field "ssh"` }, checked.ssh, sshChecks);
  if (checked.port !== undefined && uri !== undefined)
    fail(subject, 'both argument "uri" and field "port" are given');
  return checked;
}
