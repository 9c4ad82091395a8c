// The daemon's connection to the keeper: hello, requests matched with their results, events in order.

import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { asError } from "../error-text.js";
import { monotonic } from "../monotonic.js";
import { afterReactions } from "../turn.js";
import { describeErrno } from "./errno.js";
import { FrameDecoder, WireError } from "./frame.js";
import type {
  ChildRecord,
  DescriptorRecord,
  Inventory,
  Keeper,
  KeeperEvent,
  KeeperRecord,
  Name,
  Parting,
  Request,
  Result,
  TimerRecord,
} from "./types.js";
import {
  decodeMessage,
  encodeHello,
  encodeRequests,
  type InventoryItem,
  type Message,
  requestType,
} from "./wire.js";

/** The keeper reads at once what it can act on; one that lets this much wait is as good as lost. */
const backlogLimit = 64 * 1024 * 1024;
const helloTag = 0;
const highestTag = 0xffff_ffff;

/** Says hello on the control channel; resolves when the keeper has enumerated what it holds. */
export function connectKeeper(fd: number): Promise<Keeper & Parting> {
  return openKeeper(new Socket({ fd, readable: true, writable: true }), fd);
}

/** As `connectKeeper`, over a socket that is connected; its descriptor is what `sendLast` needs. */
export function openKeeper(socket: Socket, fd?: number): Promise<Keeper & Parting> {
  return new Promise((resolve, reject) => {
    const items: InventoryItem[] = [];
    const channel = new Channel(socket, fd, {
      message(message) {
        if (message.kind === "inventory") {
          for (const item of message.items) items.push(item);
          return;
        }
        try {
          checkHello(message);
          const connection = new Connection(channel, inventoryOf(items));
          channel.receiver = connection;
          resolve(connection);
        } catch (error) {
          channel.fail(asError(error));
        }
      },
      lost: reject,
    });
    channel.write(encodeHello(helloTag));
  });
}

function checkHello(message: Message): void {
  const answer = message.kind === "results" && message.tag === helloTag ? message.results[0] : undefined;
  if (answer === undefined) throw new WireError(`${message.kind} before the answer to hello`);
  const { errno, text } = answer.result;
  if (errno !== 0) throw new Error(`hello: ${text === "" ? "" : `${text}: `}${describeErrno(errno)}`);
}

function inventoryOf(items: readonly InventoryItem[]): Inventory {
  const keepers: KeeperRecord[] = [];
  const children: ChildRecord[] = [];
  const descriptors: DescriptorRecord[] = [];
  const notes = new Map<Name, Uint8Array>();
  const timers: TimerRecord[] = [];
  for (const item of items) {
    switch (item.type) {
      case "keeper":
        keepers.push(item.record);
        break;
      case "child":
        children.push(item.record);
        break;
      case "descriptor":
        descriptors.push(item.record);
        break;
      case "note":
        notes.set(item.key, item.value);
        break;
      case "timer":
        timers.push(item.record);
        break;
    }
  }
  const [keeper, ...more] = keepers;
  if (keeper === undefined || more.length > 0)
    throw new WireError(`inventory with ${keepers.length} records of the keeper`);
  return { keeper, children, descriptors, notes, timers };
}

interface Receiver {
  message(message: Message): void;
  lost(reason: Error): void;
}

/** Frames over a socket. It fails once, for whatever reason, and is silent from then on. */
class Channel {
  receiver: Receiver;
  readonly #socket: Socket;
  readonly #fd: number | undefined;
  readonly #decoder = new FrameDecoder();
  #corked = false;
  #lost = false;

  constructor(socket: Socket, fd: number | undefined, receiver: Receiver) {
    this.receiver = receiver;
    this.#fd = fd;
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => this.fail(error));
    socket.on("end", () => this.fail(new Error("end of file")));
    socket.on("close", () => this.fail(new Error("the socket was closed")));
  }

  /** The bytes that wait for the keeper to read. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** What is written within one turn leaves in one system call. */
  write(frame: Buffer): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  /** Past the stream, which must be empty: a frame goes as a whole, or not at all while the keeper's buffer is full. */
  writeLast(frame: Buffer): boolean {
    if (this.#fd === undefined || this.#lost || this.#corked || this.backlog > 0) return false;
    try {
      if (writeSync(this.#fd, frame) === frame.length) return true;
      this.fail(new WireError("a frame was cut short"));
    } catch (error) {
      // A full buffer is no error: the keeper is busy, and so there is something to wait for.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) this.fail(asError(error));
    }
    return false;
  }

  fail(reason: Error): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#socket.destroy();
    this.receiver.lost(new Error(`lost the keeper: ${reason.message}`, { cause: reason }));
  }

  #receive(chunk: Buffer): void {
    let messages: readonly Message[];
    try {
      messages = this.#decoder.push(chunk).map(decodeMessage);
    } catch (error) {
      this.fail(asError(error));
      return;
    }
    this.#deliver(messages);
  }

  /**
   * Whoever awaits results sees them before the events that followed them: after results the delivery goes on when
   * no promise reaction is left, which is still before the next chunk is read.
   */
  #deliver(messages: readonly Message[], from = 0): void {
    for (let next = from; next < messages.length && !this.#lost; ) {
      const message = messages[next];
      next += 1;
      if (message === undefined) return;
      this.receiver.message(message);
      if (message.kind === "results") {
        if (next < messages.length) afterReactions(() => this.#deliver(messages, next));
        return;
      }
    }
  }
}

/** A frame whose results are awaited. */
interface Exchange {
  readonly requests: readonly Request[];
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (reason: Error) => void;
}

class Connection implements Keeper, Parting, Receiver {
  readonly inventory: Inventory;
  readonly #channel: Channel;
  readonly #exchanges = new Map<number, Exchange>();
  /** Events that nobody receives yet: never more than the keeper itself holds, which sends each once. */
  #early: KeeperEvent[] = [];
  #lastTag = helloTag;
  #traffic = 0;
  #quietSince = monotonic();
  #reason: Error | undefined;
  /** Whether the keeper has said that it finishes: it is not lost when it is gone. */
  #isFinishing = false;
  #eventReceiver: ((event: KeeperEvent) => void) | undefined;
  #lostReceiver: ((reason: Error) => void) | undefined;

  constructor(channel: Channel, inventory: Inventory) {
    this.#channel = channel;
    this.inventory = inventory;
  }

  async send(
    requests: readonly Request[],
    options: { readonly stopOnError?: boolean } = {},
  ): Promise<readonly Result[]> {
    if (this.#reason !== undefined) throw this.#reason;
    if (requests.length === 0) return [];
    const frameTag = this.#nextTag();
    const frame = encodeRequests(requests, frameTag, options.stopOnError ?? false);
    this.#passed();
    if (this.#channel.backlog + frame.length > backlogLimit)
      throw new Error(`send to the keeper: it has left ${this.#channel.backlog} bytes unread`);
    return new Promise((resolve, reject) => {
      this.#exchanges.set(frameTag, { requests, resolve, reject });
      this.#channel.write(frame);
    });
  }

  get traffic(): number {
    return this.#traffic;
  }

  get quietSince(): number {
    return this.#quietSince;
  }

  get isQuiet(): boolean {
    return this.#exchanges.size === 0 && this.#channel.backlog === 0;
  }

  sendLast(requests: readonly Request[]): boolean {
    return this.#channel.writeLast(encodeRequests(requests, this.#nextTag(), false));
  }

  onEvent(receiver: (event: KeeperEvent) => void): void {
    this.#eventReceiver = receiver;
    const early = this.#early;
    this.#early = [];
    for (const event of early) receiver(event);
  }

  onLost(receiver: (reason: Error) => void): void {
    this.#lostReceiver = receiver;
    if (this.#reason !== undefined) receiver(this.#reason);
  }

  message(message: Message): void {
    this.#passed();
    switch (message.kind) {
      case "results":
        this.#settle(message);
        break;
      case "events":
        for (const event of message.events) {
          if (this.#eventReceiver === undefined) this.#early.push(event);
          else this.#eventReceiver(event);
        }
        break;
      case "inventory":
        this.#channel.fail(new WireError("inventory after the answer to hello"));
        break;
    }
  }

  lost(reason: Error): void {
    this.#reason = reason;
    let expected = this.#isFinishing;
    for (const { requests, resolve, reject } of this.#exchanges.values()) {
      // A keeper that was told to finish answers by its end.
      const finished = requests.some(({ op }) => op === "finish");
      expected ||= finished;
      if (finished) resolve(requests.map(() => ({ errno: 0, text: "" })));
      else reject(reason);
    }
    this.#exchanges.clear();
    if (!expected) this.#lostReceiver?.(reason);
  }

  #settle({ tag, results }: Extract<Message, { kind: "results" }>): void {
    const exchange = this.#exchanges.get(tag);
    if (exchange === undefined) {
      this.#channel.fail(new WireError(`results for the unknown tag ${tag}`));
      return;
    }
    const { requests } = exchange;
    if (
      results.length !== requests.length ||
      !requests.every((request, index) => requestType(request) === results[index]?.type)
    ) {
      this.#channel.fail(new WireError(`results that do not answer the requests of tag ${tag}`));
      return;
    }
    this.#exchanges.delete(tag);
    this.#isFinishing ||= requests.some(
      ({ op }, index) => op === "finish" && results[index]?.result.errno === 0,
    );
    exchange.resolve(results.map(({ result }) => result));
  }

  #passed(): void {
    this.#traffic += 1;
    this.#quietSince = monotonic();
  }

  /** Tags wrap around after 2³² frames; one that is still awaited is not used again. */
  #nextTag(): number {
    do this.#lastTag = this.#lastTag === highestTag ? helloTag + 1 : this.#lastTag + 1;
    while (this.#exchanges.has(this.#lastTag));
    return this.#lastTag;
  }
}
