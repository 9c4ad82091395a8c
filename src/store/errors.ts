// The errors of the store client: that no daemon is reached, and that one answers with an error or not by the protocol.

import { constants } from "node:os";

/** What every error of the store client is an instance of, but for wrong arguments (`DefinitionError`). */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
}

export interface StoreConnectionFailure {
  /** The socket's file name, the host for TCP and SSH, or the whole URI where its scheme is not supported. */
  readonly file: string;
  /** The name of an error number, such as `ECONNREFUSED`; `EPROTO` for a handshake that failed. */
  readonly code: string;
  readonly cause?: unknown;
}

/** There is no connection to a daemon: it could not be made, it has ended, or the daemon was silent for too long. */
export class StoreConnectionError extends StoreError {
  override readonly name = "StoreConnectionError";
  readonly file: string;
  readonly code: string;
  /** The number of `code` on this system; undefined for one that is not the system's, such as `ENOTFOUND`. */
  readonly errno: number | undefined;

  constructor(message: string, { file, code, cause }: StoreConnectionFailure) {
    super(message, cause === undefined ? undefined : { cause });
    this.file = file;
    this.code = code;
    this.errno = (constants.errno as Readonly<Record<string, number>>)[code];
  }
}

/**
 * The daemon answered with an error, or what it sent is not the protocol. For its own errors `message` is what it said,
 * without colours.
 */
export class StoreProtocolError extends StoreError {
  override readonly name = "StoreProtocolError";
  /** Of builds: 100 a builder that failed, 101 one that took or was silent for too long. 1 for everything else. */
  readonly status: number;

  constructor(message: string, status = 1, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

/** The bytes that came are not what the protocol has there: where the next message begins is unknown from then on. */
export class WireError extends StoreProtocolError {}

/** The bytes ended in the middle of something. */
export class TruncatedError extends WireError {}
