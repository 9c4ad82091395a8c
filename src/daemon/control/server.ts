// The control socket: one command for each connection, then a reply and the end, as in the Shepherd's protocol.
// Clients are not trusted to be quick, complete or sane.

import { createServer, type Server, type Socket } from "node:net";
import { type Command, decodeCommand, encodeMessage } from "../../protocol/messages.js";
import { SexpReader } from "../../protocol/sexp-reader.js";
import { errorText } from "../error-text.js";
import { UnderWay } from "./under-way.js";

/** A command is no longer than this; the longest real one carries an environment. */
const commandLimit = 1024 * 1024;
/** Clients that have not sent their command yet; the one that has been silent longest makes room for one more. */
const silentLimit = 128;
/** What a client that reads slowly may leave unread, in bytes. */
const unreadLimit = 16 * 1024 * 1024;
/** How long, in ms, a client may leave its reply unread. */
const patience = 60_000;

export interface ControlHandler {
  /** The encoded reply; `tell` takes each line as it comes, for a client that wants that. */
  serve(command: Command, tell: ((line: string) => void) | undefined): Promise<string>;
  /** The client can read its reply, whatever becomes of us. */
  served(command: Command): void;
  log(line: string): void;
}

export class ControlServer {
  readonly #handler: ControlHandler;
  readonly #server: Server;
  readonly #silent = new Set<Socket>();
  readonly #busy = new UnderWay();

  constructor(handler: ControlHandler) {
    this.#handler = handler;
    // A client may shut down its writing side once it has sent its command.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket));
    this.#server.on("error", (error) => handler.log(`control socket: ${error.message}`));
  }

  /** Serves the listening socket that the keeper bound to descriptor `fd`. */
  listen(fd: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ fd, backlog: 128 }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Resolves when every reply under way was handed to the kernel, or after `limit` ms. */
  drained(limit: number): Promise<void> {
    return this.#busy.over(limit);
  }

  #connected(socket: Socket): void {
    const reader = new SexpReader({ maxBytes: commandLimit });
    this.#silent.add(socket);
    if (this.#silent.size > silentLimit) {
      const [oldest] = this.#silent;
      oldest?.destroy();
    }
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#silent.delete(socket));

    const receive = (chunk: Buffer | undefined): void => {
      let command: Command | undefined;
      try {
        if (chunk !== undefined) reader.feed(chunk);
        const expression = chunk === undefined ? reader.finish() : reader.read();
        if (expression === undefined && chunk !== undefined) return;
        if (expression !== undefined) command = decodeCommand(expression);
      } catch (error) {
        this.#handler.log(`control socket: ${errorText(error)}`);
      }
      socket.removeAllListeners("data");
      socket.removeAllListeners("end");
      this.#silent.delete(socket);
      if (command === undefined) {
        socket.destroy();
        return;
      }
      socket.resume(); // What follows the command is ignored.
      this.#busy.add(
        this.#serve(socket, command).catch((error: unknown) => {
          this.#handler.log(`control socket: ${errorText(error)}`);
          socket.destroy();
        }),
      );
    };
    socket.on("data", receive);
    socket.on("end", () => receive(undefined));
  }

  async #serve(socket: Socket, command: Command): Promise<void> {
    const write = (text: string): void => {
      // What was started along with what was asked for may have something to say after the reply.
      if (socket.destroyed || socket.writableEnded) return;
      if (socket.writableLength > unreadLimit) socket.destroy();
      else socket.write(text);
    };
    const tell = command.stream ? (line: string) => write(encodeMessage(line)) : undefined;
    const text = await this.#handler.serve(command, tell);
    if (socket.destroyed) return;
    socket.setTimeout(patience, () => socket.destroy());
    const delivered = await new Promise<boolean>((resolve) => {
      // What the kernel has taken reaches the client without us.
      socket.once("finish", () => resolve(true));
      socket.once("close", () => resolve(false));
      socket.end(text);
    });
    if (delivered) this.#handler.served(command);
    // A client that keeps its side open must not hold a descriptor here.
    socket.destroySoon();
  }
}
