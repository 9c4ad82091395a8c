// One connection to a console: what it is told, within a bound, and what it says.

import type { Socket } from "node:net";
import {
  decodeHello,
  decodeObject,
  decodeSize,
  type End,
  encodeBytes,
  encodeFrame,
  type Frame,
  FrameReader,
  frameTypes,
  type Hello,
  type Size,
} from "../protocol/console.js";

/** What waits for a viewer that does not read: beyond it, the viewer is dropped. */
const mostBacklog = 1 << 20;
/** Milliseconds for the last frames to be read. */
const lastWords = 2000;
/** Milliseconds within which a connection says what it is for. */
const patience = 10_000;

export interface ConnectionListener {
  hello(connection: Connection, hello: Hello): void;
  /** Gives whether more may come now. */
  input(connection: Connection, bytes: Buffer): boolean;
  resized(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #reader = new FrameReader();
  readonly #unspoken: NodeJS.Timeout;
  #hello: Hello | undefined;
  #isOver = false;
  /** As it said last. */
  size: Size | undefined;

  constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#unspoken = setTimeout(() => socket.destroy(), patience);
    socket.on("data", (chunk: Buffer) => this.#heard(chunk));
    socket.on("error", () => socket.destroy());
    // One that says nothing more may still look on.
    socket.on("close", () => {
      clearTimeout(this.#unspoken);
      this.#isOver = true;
      listener.closed(this);
    });
  }

  get hello(): Hello | undefined {
    return this.#hello;
  }

  output(bytes: Uint8Array): void {
    for (const frame of encodeBytes(frameTypes.output, bytes)) this.#write(frame);
  }

  tell(type: typeof frameTypes.welcome | typeof frameTypes.notice, content: object): void {
    this.#write(encodeFrame(type, content));
  }

  end(end: End): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.end(encodeFrame(frameTypes.end, end));
    setTimeout(() => this.#socket.destroy(), lastWords).unref();
  }

  /** Goes on reading what it says. */
  resume(): void {
    this.#socket.resume();
  }

  #write(frame: Buffer): void {
    if (this.#isOver) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > mostBacklog) this.end({ reason: "slow" });
  }

  #heard(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      for (const frame of this.#reader.feed(chunk)) this.#take(frame);
    } catch (error) {
      this.end({ reason: "refused", text: error instanceof Error ? error.message : String(error) });
    }
  }

  #take({ type, bytes }: Frame): void {
    if (this.#isOver) return;
    if (this.#hello === undefined) {
      if (type !== frameTypes.hello) throw new Error("a hello comes first");
      clearTimeout(this.#unspoken);
      this.#hello = decodeHello(bytes);
      this.size = decodeSize({ ...this.#hello });
      this.#listener.hello(this, this.#hello);
    } else if (type === frameTypes.input) {
      if (!this.#listener.input(this, bytes)) this.#socket.pause();
    } else if (type === frameTypes.resize) {
      this.size = decodeSize(decodeObject(bytes)) ?? this.size;
      this.#listener.resized(this);
    } else throw new Error(`frames of type ${type} are unknown`);
  }
}
