// Standard output and error of a command that runs here for herd's launcher: what is written goes out with the next message.

import type { Socket } from "node:net";
import type { LauncherChannel } from "../../herd/in-daemon.js";
import type { Output } from "../../herd/output.js";
import { LauncherMessage } from "../../protocol/launcher.js";

/** What a client that reads slowly may leave unread of streamed lines, in bytes; beyond, it loses its connection. */
const unreadLimit = 16 * 1024 * 1024;
/** The same, of all clients together. */
const totalLimit = 64 * 1024 * 1024;
/** Where so little is unread, the others are not looked at. */
const little = 64 * 1024;

export class LauncherOutput implements LauncherChannel {
  readonly output: Output;
  readonly errors: Output;
  readonly #socket: Socket;
  readonly #total: () => number;
  #message = new LauncherMessage();

  /** @param total what all clients have left unread, in bytes */
  constructor(socket: Socket, total: () => number) {
    this.#socket = socket;
    this.#total = total;
    const outlet = (write: (text: string) => void): Output => ({
      failure: undefined,
      get isOpen() {
        return !socket.destroyed;
      },
      write: (text) => {
        if (!socket.destroyed) write(text);
      },
    });
    this.output = outlet((text) => this.#message.output(text));
    this.errors = outlet((text) => this.#message.errors(text));
  }

  readonly shown = (line: string): void => {
    if (!this.#socket.destroyed) this.#message.shown(line);
  };

  readonly flush = (): void => {
    const bytes = this.#take();
    const socket = this.#socket;
    // What was started along with what was asked for may have something to say after the end.
    if (bytes === undefined || socket.destroyed || socket.writableEnded) return;
    socket.write(bytes);
    const unread = socket.writableLength;
    if (unread > unreadLimit || (unread > little && this.#total() > totalLimit)) socket.destroy();
  };

  /** The last message; resolves with whether the client can read all of it, whatever becomes of us. */
  end(status: number): Promise<boolean> {
    const socket = this.#socket;
    this.#message.status(status);
    const bytes = this.#take() ?? Buffer.alloc(0);
    return new Promise((resolve) => {
      socket.once("finish", () => resolve(true));
      socket.once("close", () => resolve(false));
      socket.end(bytes);
    });
  }

  #take(): Buffer | undefined {
    const bytes = this.#message.encode();
    this.#message = new LauncherMessage();
    return bytes;
  }
}
