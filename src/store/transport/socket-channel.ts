// A connection over a socket. What arrives is read into one buffer that is used over and over.

import { connect, type IpcSocketConnectOpts, type Socket, type TcpSocketConnectOpts } from "node:net";
import { writeTo } from "../build-output.js";
import type { Wait } from "../wire/decode.js";
import type { Channel, Receiver } from "./channel.js";

const bufferSize = 64 * 1024;

/** Fulfilled when it is connected; fails with the system's error, or with the signal's reason. */
export function connectSocket(
  where: IpcSocketConnectOpts | TcpSocketConnectOpts,
  signal: AbortSignal,
): Promise<SocketChannel> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const channel = new SocketChannel(where);
    const settle = (finish: () => void): void => {
      channel.socket.off("connect", connected).off("error", failed);
      signal.removeEventListener("abort", aborted);
      finish();
    };
    const connected = (): void => settle(() => resolve(channel));
    const failed = (error: Error): void => settle(() => reject(error));
    const aborted = (): void =>
      settle(() => {
        channel.socket.destroy();
        reject(signal.reason as Error);
      });
    channel.socket.on("connect", connected).on("error", failed);
    signal.addEventListener("abort", aborted);
  });
}

class SocketChannel implements Channel {
  readonly socket: Socket;
  #receiver: Receiver | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(where: IpcSocketConnectOpts | TcpSocketConnectOpts) {
    const buffer = Buffer.allocUnsafeSlow(bufferSize);
    this.socket = connect({
      ...where,
      onread: {
        buffer,
        callback: (count) => {
          this.#receiver?.data(buffer, count);
          return true;
        },
      },
    });
    this.socket.on("error", (error) => this.#finish(error));
    this.socket.on("end", () => this.#finish(undefined)).on("close", () => this.#finish(undefined));
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver;
    const end = this.#end;
    if (end !== undefined) setImmediate(() => receiver.end(end.error));
  }

  write(data: Uint8Array): Wait {
    return writeTo(this.socket, data);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  explain(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) return resolve();
      this.socket.once("close", () => resolve());
      this.socket.destroy();
    });
  }

  #finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#receiver?.end(error);
  }
}

export type { SocketChannel };
