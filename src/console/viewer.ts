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
  mostScrollback,
  type Size,
} from "../protocol/console.js";

/** What waits for a viewer, all of the scrollback included: beyond it, the terminal waits, too. */
const mostBacklog = mostScrollback + 262_144;
/** Milliseconds within which it has to catch up then; else it is dropped. */
const catchUp = 2000;
/** Milliseconds for the last frames to be read. */
const lastWords = 2000;
/** Milliseconds within which a connection says what it is for. */
const patience = 10_000;

export interface ConnectionListener {
  hello(connection: Connection, hello: Hello): void;
  input(connection: Connection, bytes: Buffer): void;
  resized(connection: Connection): void;
  /** Too much waits for it, until it has caught up or is closed. */
  behind(connection: Connection): void;
  caughtUp(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #reader = new FrameReader();
  readonly #unspoken: NodeJS.Timeout;
  #hello: Hello | undefined;
  #isOver = false;
  #slow: NodeJS.Timeout | undefined;
  /** As it said last. */
  size: Size | undefined;

  constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#unspoken = setTimeout(() => socket.destroy(), patience);
    socket.on("data", (chunk: Buffer) => this.#heard(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("drain", () => this.#caughtUp());
    socket.on("close", () => {
      clearTimeout(this.#unspoken);
      clearTimeout(this.#slow);
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
    clearTimeout(this.#slow);
    this.#listener.caughtUp(this);
    this.#socket.end(encodeFrame(frameTypes.end, end));
    setTimeout(() => this.#socket.destroy(), lastWords).unref();
  }

  #write(frame: Buffer): void {
    if (this.#isOver) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength <= mostBacklog || this.#slow !== undefined) return;
    this.#slow = setTimeout(() => this.end({ reason: "slow" }), catchUp);
    this.#listener.behind(this);
  }

  #caughtUp(): void {
    if (this.#slow === undefined || this.#isOver) return;
    clearTimeout(this.#slow);
    this.#slow = undefined;
    this.#listener.caughtUp(this);
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
      this.#listener.input(this, bytes);
    } else if (type === frameTypes.resize) {
      this.size = decodeSize(decodeObject(bytes)) ?? this.size;
      this.#listener.resized(this);
    } else throw new Error(`frames of type ${type} are unknown`);
  }
}
