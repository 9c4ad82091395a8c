// A connection over a stream of Node's: a socket, or the two pipes of a process.

import type { Duplex, Readable, Writable } from "node:stream";
import { writeTo } from "../build-output.js";
import type { Wait } from "../wire/decode.js";
import type { Channel, Receiver } from "./channel.js";

/** Over a stream of bytes, without an encoding. The channel owns the stream from now on, and destroys it. */
export function streamChannel(stream: Duplex): Channel {
  return new StreamChannel(stream, stream);
}

/** One whose two ends are streams of their own. */
export class StreamChannel implements Channel {
  readonly #input: Readable;
  readonly #output: Writable;
  #receiver: Receiver | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    // From the start: without a listener an error would end the program.
    output.on("error", (error) => this.#finish(error));
    input.on("error", (error) => this.#finish(error));
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver;
    const input = this.#input;
    if (input.destroyed || input.readableEnded) this.#end ??= { error: undefined };
    const end = this.#end;
    if (end !== undefined) {
      setImmediate(() => receiver.end(end.error));
      return;
    }
    input.on("data", (piece: Buffer) => receiver.data(piece, piece.length));
    input.on("end", () => this.#finish(undefined)).on("close", () => this.#finish(undefined));
  }

  write(data: Uint8Array): Wait {
    return writeTo(this.#output, data);
  }

  pause(): void {
    this.#input.pause();
  }

  resume(): void {
    this.#input.resume();
  }

  explain(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all([destroyed(this.#input), destroyed(this.#output)]);
  }

  #finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#receiver?.end(error);
  }
}

function destroyed(stream: Readable | Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) return resolve();
    stream.once("close", () => resolve());
    stream.destroy();
  });
}
