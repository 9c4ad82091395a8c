// One exchange with the daemon: connect, send a command, read what it answers.
import { createConnection, type Socket } from "node:net";
import type { Reply } from "../protocol/messages.js";
import { ConnectionError } from "./connection-error.js";
import { type ReplyOptions, ReplyReader } from "./reply-reader.js";
import { errorCode, systemErrorText } from "./system-error.js";

export { ConnectionError } from "./connection-error.js";

/** Where nobody listens, somebody may be about to. */
const REFUSED_FOR_MS = 1000;
/** More clients than the socket has room for wait, most likely for a daemon that is just being started. */
const CROWDED_FOR_MS = 30_000;
const RETRY_EVERY_MS = 20;
/** What a Unix socket's address has room for, without the final NUL. */
const MAX_PATH_BYTES = 107;

export interface ExchangeOptions extends ReplyOptions {
  /** Milliseconds for which a refused connection is tried again; default one second. */
  readonly refusedFor?: number;
  /** Milliseconds that the daemon may be silent; default for ever, as a start may take its time. */
  readonly silentFor?: number;
}

/** The reply; undefined when the daemon closed the connection without one. Throws a ConnectionError. */
export async function exchange(
  path: string,
  command: string,
  options: ExchangeOptions,
): Promise<Reply | undefined> {
  const socket = await connectPatiently(path, options.refusedFor ?? REFUSED_FOR_MS);
  try {
    return await receive(socket, command, options);
  } finally {
    socket.destroy();
  }
}

async function connectPatiently(path: string, refusedFor: number): Promise<Socket> {
  // A longer one would be cut off, and name another socket.
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new ConnectionError(`${path}: File name too long`);
  if (path === "" || path.includes("\0")) throw new ConnectionError(`${path}: Invalid argument`);
  const begin = performance.now();
  for (;;) {
    try {
      return await connect(path);
    } catch (error) {
      const code = errorCode(error);
      const patience = code === "ECONNREFUSED" ? refusedFor : code === "EAGAIN" ? CROWDED_FOR_MS : 0;
      if (performance.now() >= begin + patience)
        throw new ConnectionError(`${path}: ${systemErrorText(code)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_EVERY_MS));
  }
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function receive(socket: Socket, command: string, options: ExchangeOptions): Promise<Reply | undefined> {
  const reader = new ReplyReader(options);
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk) => {
      try {
        const reply = reader.feed(chunk);
        if (reply !== undefined) resolve(reply);
      } catch (error) {
        reject(error);
      }
    });
    // A daemon that goes away while we write resets the connection: that is an end like any other.
    socket.once("error", () => resolve(undefined));
    socket.once("close", () => resolve(undefined));
    if (options.silentFor !== undefined)
      socket.setTimeout(options.silentFor, () => reject(new ConnectionError("shepherd does not answer")));
    socket.write(command);
  });
}
