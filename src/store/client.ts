// Opens and closes connections.

import { TextDecoder } from "node:util";
import { chosenPort, emit } from "./build-output.js";
import { StoreConnection } from "./connection.js";
import { defaultUri } from "./endpoint.js";
import { StoreConnectionError, WireError } from "./errors.js";
import { handshake, type Versions } from "./handshake.js";
import { Link } from "./link.js";
import { type ConnectionOptions, checkedOptions } from "./options.js";
import { connectTo, givenStream, type Target, targetOf } from "./transport/connect.js";

const defaults = { connectTimeout: 10, idleTimeout: 3600 } as const;

/**
 * Connects to a daemon.
 *
 * @param uri the name of a socket, or a URI: `file:` and `unix:` with such a name, `guix://HOST:PORT` for TCP, whose port is
 * 44146 by default, or `ssh://USER@HOST:PORT`. Default: the environment's GUIX_DAEMON_SOCKET, or else
 * `/var/guix/daemon-socket/socket`.
 * @throws StoreConnectionError where no daemon is reached: `ENOTSUP` for another scheme, `EPROTO` for what is no daemon
 * @throws StoreProtocolError where the daemon answers with an error, such as that it cannot open its store
 */
export async function openConnection(
  uri?: string,
  options: ConnectionOptions = {},
): Promise<StoreConnection> {
  const checked = checkedOptions(uri, options);
  const { port, connectTimeout = defaults.connectTimeout, idleTimeout, ssh = {}, signal } = checked;
  const target = port === undefined ? targetOf(uri ?? defaultUri(process.env)) : givenStream(port);
  const attempt = new Attempt(target);
  const late = setTimeout(
    () => attempt.end("ETIMEDOUT", `no answer in ${connectTimeout} seconds`),
    connectTimeout * 1000,
  );
  const cancel = (): void => attempt.end("ECANCELED", "it was cancelled", signal?.reason);
  signal?.addEventListener("abort", cancel);
  try {
    if (signal?.aborted === true) cancel();
    attempt.signal.throwIfAborted();
    const connected = await connectTo(target, { signal: attempt.signal, connectTimeout, ssh });
    const link = new Link(connected, idleTimeout ?? defaults.idleTimeout);
    const versions = await greet(link, attempt.signal, checked);
    if (signal !== undefined) closeWhenAborted(link, signal);
    return new StoreConnection(link, {
      versions,
      storeDirectory: checked.storeDirectory ?? process.env.NIX_STORE_DIR ?? "/gnu/store",
      buildOutputPort: checked.buildOutputPort,
      patient: idleTimeout === undefined,
    });
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", cancel);
  }
}

/**
 * Closes a connection; one that is closed is left as it is. Requests that are not done fail: so a build is aborted. Fulfilled
 * when nothing of the connection is left.
 */
export async function closeConnection(store: StoreConnection): Promise<void> {
  await store[Symbol.asyncDispose]();
}

/** Opens a connection for `body`, and closes it when what `body` gives is there; gives that. */
export async function withStore<T>(
  body: (store: StoreConnection) => T | Promise<T>,
  uri?: string,
  options?: ConnectionOptions,
): Promise<T> {
  const store = await openConnection(uri, options);
  try {
    return await body(store);
  } finally {
    await closeConnection(store);
  }
}

/** An attempt to connect, which can be ended at any time. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(code: string, text: string, cause?: unknown): void {
    const { file, peer } = this.#target;
    const error = new StoreConnectionError(`connect to ${peer}: ${text}`, { file, code, cause });
    this.#controller.abort(error);
  }
}

/** Shakes hands. Where that fails nothing is left of the connection. */
async function greet(link: Link, signal: AbortSignal, options: ConnectionOptions): Promise<Versions> {
  const port = options.buildOutputPort ?? chosenPort();
  const text = new TextDecoder();
  const abort = (): void => link.end({ text: "no connection", code: "ECANCELED" }, signal.reason);
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    return await new Promise<Versions>((succeed, fail) => {
      const decoder = handshake(
        link.input,
        (data) => void link.send(data),
        {
          log: (piece) => emit(port, text.decode(piece, { stream: true })),
          answer: (data) => link.send(data),
          source: undefined,
          sink: undefined,
        },
        { reserveSpace: options.reserveSpace ?? true, cpuAffinity: options.cpuAffinity },
      );
      link.begin({ subject: "the handshake", decoder, patient: true, succeed, fail });
      link.start();
    });
  } catch (error) {
    await link.close();
    throw signal.aborted ? signal.reason : handshakeError(link, error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What is no daemon is no connection; what a daemon says itself is an error of its own. */
function handshakeError({ file, peer }: Link, error: unknown): unknown {
  if (error instanceof WireError)
    return new StoreConnectionError(error.message, { file, code: "EPROTO", cause: error });
  if (!(error instanceof StoreConnectionError)) return error;
  const refused = /permission denied|host key verification failed/i.test(error.message);
  const message = error.message.replace(`${peer}: `, `${peer}: build daemon handshake failed: `);
  return new StoreConnectionError(message, { file, code: refused ? "EACCES" : "EPROTO", cause: error });
}

function closeWhenAborted(link: Link, signal: AbortSignal): void {
  const abort = (): void =>
    link.end({ text: "the connection was closed by a signal", code: "ECANCELED", cause: signal.reason });
  signal.addEventListener("abort", abort);
  link.whenEnded(() => signal.removeEventListener("abort", abort));
  if (signal.aborted) abort();
}
