// The socket beside the control socket: herd's launcher sends a command line, and the client's own code carries it out here, in
// a machine that is warm. Clients are not trusted to be quick, complete or sane.

import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import type { runInDaemon } from "../../herd/in-daemon.js";
import {
  decodeLauncherRequest,
  encodeLauncherHello,
  type LauncherRequest,
  requestLength,
} from "../../protocol/launcher.js";
import { type Command, isRequestId } from "../../protocol/messages.js";
import { errorStack, errorText } from "../error-text.js";
import { LauncherOutput } from "./launcher-output.js";
import type { ControlHandler } from "./server.js";
import { UnderWay } from "./under-way.js";

/** Clients that have not sent their request yet; the one that has been silent longest makes room for one more. */
const silentLimit = 128;
/** Requests at a time. Others are the client's, over the control socket. */
const busyLimit = 128;
/** How long, in ms, a client may leave its answer unread. */
const patience = 60_000;
/** How long, in ms, after the start it gets warm. */
const restBeforeWarmth = 500;

type Run = typeof runInDaemon;

export class LauncherServer {
  readonly #handler: ControlHandler;
  readonly #zone: () => string;
  readonly #load: () => Promise<{ readonly runInDaemon: Run }>;
  readonly #server: Server;
  readonly #silent = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #busy = new UnderWay();
  #run: Promise<Run> | undefined;

  /**
   * @param zone what our time zone is known by
   * @param load loads the client's code, when it is first asked for
   */
  constructor(
    handler: ControlHandler,
    zone: () => string,
    load: () => Promise<{ readonly runInDaemon: Run }> = () => import("../../herd/in-daemon.js"),
  ) {
    this.#handler = handler;
    this.#zone = zone;
    this.#load = load;
    this.#server = createServer((socket) => this.#connected(socket));
    this.#server.on("error", (error) => handler.log(`launcher socket: ${error.message}`));
  }

  /** Serves the socket that the keeper bound to a descriptor, or another one. */
  listen(where: ListenOptions | { readonly fd: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ backlog: 128, ...where }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Resolves when every answer under way was handed to the kernel, or after `limit` ms. */
  drained(limit: number): Promise<void> {
    return this.#busy.over(limit);
  }

  /** Loads the code and runs it once, soon, so that the first client need not wait for that. */
  warmUp(operands: () => readonly string[]): void {
    setTimeout(() => {
      const nobody = { failure: undefined, isOpen: false, write: () => undefined };
      const channel = { output: nobody, errors: nobody, shown: () => undefined, flush: () => undefined };
      const request: LauncherRequest = {
        id: "warmth",
        operands: operands(),
        json: false,
        directory: "/",
        environment: {},
        isTerminal: { output: true, errors: true },
      };
      this.#loaded()
        .then((run) => run(request, channel, (command) => this.#handler.serve(command, () => undefined)))
        .catch((error: unknown) => this.#handler.log(`launcher socket: ${errorText(error)}`));
    }, restBeforeWarmth).unref();
  }

  #loaded(): Promise<Run> {
    this.#run ??= this.#load().then(({ runInDaemon: run }) => run);
    return this.#run;
  }

  #connected(socket: Socket): void {
    // A launcher that hears no hello turns to the client.
    socket.on("error", () => socket.destroy());
    if (this.#busy.count >= busyLimit) {
      socket.destroy();
      return;
    }
    this.#silent.add(socket);
    this.#sockets.add(socket);
    if (this.#silent.size > silentLimit) {
      const [oldest] = this.#silent;
      oldest?.destroy();
    }
    socket.on("close", () => {
      this.#silent.delete(socket);
      this.#sockets.delete(socket);
    });
    this.#loaded().then(
      (run) => {
        if (socket.destroyed) return;
        socket.write(encodeLauncherHello(this.#zone()));
        this.#receive(socket, (request) => this.#begin(socket, request, run));
      },
      (error: unknown) => {
        this.#run = undefined;
        this.#handler.log(`launcher socket: ${errorText(error)}`);
        socket.destroy();
      },
    );
  }

  #receive(socket: Socket, begin: (request: LauncherRequest) => void): void {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      let request: LauncherRequest;
      try {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
        const length = requestLength(bytes);
        if (length === undefined || bytes.length < 4 + length) return;
        request = decodeLauncherRequest(bytes.subarray(4, 4 + length));
        if (!isRequestId(request.id)) throw new Error("a request without a name");
      } catch (error) {
        this.#handler.log(`launcher socket: ${errorText(error)}`);
        socket.destroy();
        return;
      }
      socket.removeAllListeners("data");
      socket.resume(); // What follows the request is ignored.
      this.#silent.delete(socket);
      begin(request);
    });
  }

  #begin(socket: Socket, request: LauncherRequest, run: Run): void {
    this.#busy.add(
      this.#serve(socket, request, run).catch((error: unknown) => {
        this.#handler.log(`launcher socket: ${errorText(error)}`);
        socket.destroy();
      }),
    );
  }

  async #serve(socket: Socket, request: LauncherRequest, run: Run): Promise<void> {
    const channel = new LauncherOutput(socket, () => this.#unread());
    let command: Command | undefined;
    let failed: { readonly reason: unknown } | undefined;
    const serve = async (given: Command, tell: (line: string) => void): Promise<string> => {
      // The first one is what was asked for; what follows is only asked to tell how far it is.
      command ??= given;
      try {
        return await this.#handler.serve(given, tell);
      } catch (reason) {
        if (given === command) failed = { reason };
        throw reason;
      }
    };
    let status: number;
    try {
      status = await run(request, channel, serve);
    } catch (error) {
      // The client finds out what became of its request, as on the control socket.
      if (failed !== undefined) throw failed.reason;
      channel.errors.write(`herd: error: ${errorStack(error)}\n`);
      status = 1;
    }
    if (socket.destroyed) return;
    socket.setTimeout(patience, () => socket.destroy());
    if ((await channel.end(status)) && command !== undefined) this.#handler.served(command);
    // A client that keeps its side open must not hold a descriptor here.
    socket.destroySoon();
  }

  /** What all clients have left unread, in bytes. */
  #unread(): number {
    let sum = 0;
    for (const socket of this.#sockets) sum += socket.writableLength;
    return sum;
  }
}
