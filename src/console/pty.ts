// A pair of pseudo-terminals, made by node-pty: its master is read and written here, the other end is for the service.

import { closeSync, fchownSync, fstatSync, readSync, write } from "node:fs";
import { ReadStream } from "node:tty";
import type { Size } from "../protocol/console.js";

/** The part of node-pty that makes a pair without a process. */
interface Native {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
  resize(master: number, columns: number, rows: number): void;
}

/** Milliseconds until what the terminal did not take is offered again, at first and at most: there is nothing that would tell. */
const offerAgainAfter = { first: 10, most: 320 } as const;
/** What is typed ahead of a program that does not read; beyond it, it is lost. */
const mostPending = 1 << 20;

const mostAtOnce = 65_536;
/** At the end, of a program that prints without end. */
const mostDrained = 1 << 20;
const nothing: Buffer = Buffer.alloc(0);

const missing =
  "terminal: needs the package node-pty, which is not installed: run `npm install node-pty@1.1.0` where shepherd-ts is installed (with python3, make and a C++ compiler), and start the service again";

/** node-pty is not there, or cannot be loaded. */
export class NoPtyError extends Error {
  override readonly name = "NoPtyError";
}

/** Rejects with a NoPtyError. */
export async function loadNative(): Promise<Native> {
  // Known at run time only: it is optional, and need not be there when this is compiled.
  const name: string = "node-pty";
  let loaded: unknown;
  try {
    loaded = await import(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new NoPtyError(
      code === "ERR_MODULE_NOT_FOUND" ? missing : `node-pty cannot be loaded: ${String(error)}; ${missing}`,
    );
  }
  const { default: main } = loaded as { default?: { native?: Partial<Native> } };
  const native = main?.native;
  if (typeof native?.open !== "function" || typeof native.resize !== "function")
    throw new NoPtyError(`node-pty is another version than is needed; ${missing}`);
  return native as Native;
}

export interface PtyListener {
  output(bytes: Buffer): void;
  /** Nobody has the other end any more. */
  ended(): void;
}

export class Pty {
  /** The other end's name. */
  readonly path: string;
  readonly #native: Native;
  readonly #master: number;
  readonly #stream: ReadStream;
  readonly #listener: PtyListener;
  #slave: number | undefined;
  #pending = nothing;
  #writing = false;
  #pause: number = offerAgainAfter.first;
  #over = false;

  /** @param uid whose the other end is, where that is not us */
  constructor(native: Native, { columns, rows }: Size, uid: number | undefined, listener: PtyListener) {
    const { master, slave, pty } = native.open(columns, rows);
    this.#native = native;
    this.#listener = listener;
    this.path = pty;
    this.#master = master;
    this.#slave = slave;
    if (uid !== undefined && uid !== process.geteuid?.()) fchownSync(slave, uid, fstatSync(slave).gid);
    this.#stream = new ReadStream(master);
    this.#stream.on("data", (bytes: Buffer) => listener.output(bytes));
    // The kernel says EIO where the last holder of the other end has gone, and all was read.
    this.#stream.on("error", () => this.#end());
    // libuv ends a stream that is hung up without looking whether there is more.
    this.#stream.on("end", () => {
      this.drain();
      this.#end();
    });
  }

  /** The service has it: its end is noticed from now on. */
  letGo(): void {
    if (this.#slave !== undefined) closeSync(this.#slave);
    this.#slave = undefined;
  }

  /** Reads at once what is there, and what no event has told of yet. */
  drain(): void {
    const buffer = Buffer.allocUnsafe(mostAtOnce);
    let read = 0;
    while (!this.#over && !this.#stream.destroyed && read < mostDrained) {
      let length: number;
      try {
        length = readSync(this.#master, buffer);
      } catch {
        return; // There is no more now, or never.
      }
      if (length === 0) return;
      read += length;
      this.#listener.output(Buffer.from(buffer.subarray(0, length)));
    }
  }

  resize({ columns, rows }: Size): void {
    if (!this.#over) this.#native.resize(this.#master, columns, rows);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** False where the bytes are lost, since too much waits already. */
  write(bytes: Buffer): boolean {
    if (this.#over) return true;
    if (this.#pending.length + bytes.length > mostPending) return false;
    this.#pending = Buffer.concat([this.#pending, bytes]);
    this.#writeSome();
    return true;
  }

  #writeSome(): void {
    if (this.#pending.length === 0 || this.#writing || this.#over) return;
    this.#writing = true;
    write(this.#master, this.#pending, (error, written) => {
      const goOn = (): void => {
        this.#writing = false;
        this.#writeSome();
      };
      if (error?.code === "EAGAIN") {
        setTimeout(goOn, this.#pause);
        this.#pause = Math.min(this.#pause * 2, offerAgainAfter.most);
        return;
      }
      this.#pause = offerAgainAfter.first;
      // It reads nothing more.
      this.#pending = error === null ? this.#pending.subarray(written) : nothing;
      goOn();
    });
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending = nothing;
    this.#listener.ended();
  }
}
