// Daemons that say what a test wants them to say, and an encoder of the protocol's primitives that is independent of src.

import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { waitFor } from "../support/wait.js";

/** An integer as the protocol has it; negative ones stand for themselves in 64 bits. */
export function int(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

export function str(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([int(bytes.length), bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
}

export const all = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

/** Words of messages. */
export const word = {
  next: int(0x6f6c6d67),
  read: int(0x64617461),
  write: int(0x64617416),
  last: int(0x616c7473),
  error: int(0x63787470),
} as const;

export const failure = (message: string, status: number): Buffer =>
  all(word.error, str(message), int(status));

/** The client's end of a connection as the daemon has it. */
export class Peer {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  readonly #wake = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (piece: Buffer) => {
      this.#received = Buffer.concat([this.#received, piece]);
      this.#tell();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#tell();
    });
  }

  /** What has arrived and was not taken. */
  get pending(): number {
    return this.#received.length;
  }

  /** The next `count` bytes; fewer where the client has closed. */
  async take(count: number): Promise<Buffer> {
    while (this.#received.length < count && !this.#ended)
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(taken.length);
    return taken;
  }

  async takeInt(): Promise<number> {
    return Number((await this.take(8)).readBigUInt64LE());
  }

  async takeString(): Promise<string> {
    const length = await this.takeInt();
    const bytes = await this.take(length + ((8 - (length % 8)) % 8));
    return bytes.subarray(0, length).toString();
  }

  /** Fulfilled when the client has closed. */
  async closed(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake.add(resolve));
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(all(...parts));
  }

  /** Does what a daemon of this version does first. */
  async greet(version = 0x163): Promise<void> {
    await this.take(8);
    this.send(int(0x6478696f), int(version));
    const client = await this.takeInt();
    if ((client & 0xff) >= 14 && (await this.takeInt()) !== 0) await this.takeInt();
    await this.takeInt();
    this.send(word.last);
  }

  #tell(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}

export interface FakeDaemon {
  readonly socket: string;
  /** The connections so far. */
  readonly peers: readonly Peer[];
}

/** Listens until the test ends; what `serve` throws fails the test. */
export async function fakeDaemon(
  t: TestContext,
  serve: (peer: Peer) => Promise<void> | void,
): Promise<FakeDaemon> {
  const directory = mkdtempSync(join(tmpdir(), "store-"));
  const peers: Peer[] = [];
  const problems: unknown[] = [];
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const peer = new Peer(socket);
    peers.push(peer);
    Promise.resolve(serve(peer)).catch((error: unknown) => {
      problems.push(error);
      t.diagnostic(`the daemon's side: ${error instanceof Error ? error.message : String(error)}`);
      // So that the client does not wait for what will not come.
      socket.destroy();
    });
  });
  const socket = join(directory, "socket");
  server.listen(socket);
  await once(server, "listening");
  t.after(async () => {
    for (const peer of peers) peer.socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
    if (problems.length > 0) throw problems[0];
  });
  return { socket, peers };
}

/** A daemon that answers every `validPath` with true. */
export async function truthful(peer: Peer): Promise<void> {
  await peer.greet();
  while ((await peer.take(8)).length > 0) {
    await peer.takeString();
    if (peer.pending > 0) throw new Error("a request has come before the answer to the one before it");
    peer.send(word.last, int(1));
  }
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Runs `body`; afterwards this process has no more open than before. */
export async function leavingNothing(body: () => Promise<void>): Promise<void> {
  const before = descriptors();
  await body();
  await waitFor("nothing is left open", () => descriptors() <= before);
}
