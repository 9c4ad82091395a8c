// Orders on their way to the log writer: sent in order through the keeper, a few at a time, and sent again to the next
// writer if this one ends before it has answered.

import { constants } from "node:os";
import { asError } from "../error-text.js";
import type { Keeper, Request } from "../keeper/types.js";
import { encodeOrder, type Message, type Order } from "./messages.js";

/** Orders that may be unanswered: so many always fit into the socket's buffer. */
const window = 32;
const tagBits = 20;
/** The number of an order whose answer nobody waits for. */
export const unawaited = 0;
/** How a socket says that nobody is at its other end. */
const gone: ReadonlySet<number> = new Set([
  constants.errno.EPIPE,
  constants.errno.ECONNRESET,
  constants.errno.ECONNREFUSED,
  constants.errno.ENOTCONN,
]);

/** What may be carried out a second time, and has nothing to tell but that it was. */
function isQuiet({ order: { op } }: QueuedOrder): boolean {
  return op === "open" || op === "label" || op === "drain";
}

export type Answer = Extract<Message, { readonly type: "answer" }>;

/** What the log writer could not do. */
export class LogError extends Error {
  override readonly name = "LogError";
  readonly errno: number;
  readonly path: string | undefined;
  /** What failed: `directory`, `open`, `truncate`. */
  readonly stage: string | undefined;

  constructor(message: string, errno: number, path?: string, stage?: string) {
    super(message);
    this.errno = errno;
    this.path = path;
    this.stage = stage;
  }
}

export interface QueuedOrder {
  readonly order: Order;
  /** The keeper's name of the pipe that goes along. */
  readonly pipe?: string;
  /** What the keeper has to do in the same step. */
  readonly along?: readonly Request[];
  /** The keeper's names, without their numbers, of descriptors that come with the answer. */
  readonly store?: string;
}

interface Entry extends QueuedOrder {
  readonly number: number;
  /** Answered by itself only where it fails: the answer to the next one that is not quiet tells that it was carried out. */
  quiet: boolean;
  /** Part of what each writer is told anew. */
  readonly first: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** An order that has its answer. */
export interface Answered {
  /** Where descriptors go that come with it; undefined: they are of no use to anybody. */
  readonly store: string | undefined;
  /** Tells whoever has given the order. */
  readonly settle: (answer: Answer) => void;
}

export class OrderQueue {
  readonly #keeper: Keeper;
  readonly #socket: string;
  readonly #tagBase: number;
  #waiting: Entry[] = [];
  readonly #sent = new Map<number, Entry>();
  #number = 0;
  #answered = 0;
  #open = false;
  #scheduled = false;

  /** @param socket the keeper's name of our end of the socket pair */
  constructor(keeper: Keeper, socket: string) {
    this.#keeper = keeper;
    this.#socket = socket;
    // Answers to an earlier daemon's orders may still arrive: its tags were others.
    this.#tagBase = (keeper.inventory.keeper.generation & 0xfff) * 2 ** tagBits;
  }

  /** Resolves when the order was carried out, by this writer or a later one; rejects with a LogError. */
  add(queued: QueuedOrder): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        ...queued,
        number: this.#nextNumber(),
        quiet: false,
        first: false,
        resolve,
        reject,
      });
      this.#schedule();
    });
  }

  /** There is a writer; `first` is what it has to be told before all that waits. */
  open(first: readonly QueuedOrder[], onFailure: (error: Error) => void): void {
    // The end of a writer that died at once may have been told of before its beginning was: what went to it is lost.
    this.close();
    const entries = first.map((queued) => ({
      ...queued,
      number: this.#nextNumber(),
      quiet: false,
      first: true,
      resolve: () => {},
      reject: onFailure,
    }));
    this.#waiting = [...entries, ...this.#waiting];
    this.#open = true;
    this.#schedule();
  }

  /** Grows with each order that is carried out; what every new writer is told again does not count, however many there are. */
  get answered(): number {
    return this.#answered;
  }

  /** The writer has ended: what it has not answered waits for the next one. */
  close(): void {
    this.#open = false;
    this.#waiting = [...this.#sent.values(), ...this.#waiting].filter(({ first }) => !first);
    this.#sent.clear();
  }

  /** The order that is answered; it is carried out, whatever becomes of the writer now. Undefined: nobody waits for it. */
  take({ tag }: Answer): Answered | undefined {
    const entry = this.#sent.get(tag);
    if (entry === undefined) return undefined;
    if (!entry.first) this.#answered++;
    const before = this.#quietBefore(entry);
    for (const { number } of [...before, entry]) this.#sent.delete(number);
    this.#schedule();
    return {
      store: entry.store,
      settle: (answer) => {
        for (const one of before) one.resolve({ type: "answer", tag: one.number, errno: 0, text: "" });
        if (answer.errno === 0) entry.resolve(answer);
        else entry.reject(new LogError(answer.text, answer.errno, answer.path, answer.stage));
      },
    };
  }

  /** At the end of this turn, so that what the caller asks of the keeper meanwhile, such as the pipe, comes first. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** Sends now what may be sent. */
  flush(): void {
    this.#pump();
  }

  /** Those before `entry` that its answer tells of: they were sent earlier, and are carried out in order. */
  #quietBefore(entry: Entry): readonly Entry[] {
    const before: Entry[] = [];
    for (const one of this.#sent.values()) {
      if (one === entry) break;
      if (one.quiet) before.push(one);
    }
    return before;
  }

  #pump(): void {
    if (!this.#open || this.#sent.size >= window) return;
    const batch = this.#waiting.splice(0, window - this.#sent.size);
    for (const entry of batch) {
      entry.quiet = entry !== batch.at(-1) && isQuiet(entry);
      this.#sent.set(entry.number, entry);
    }
    if (batch.length > 0) this.#send(batch).catch((error: unknown) => this.#fail(batch, asError(error)));
  }

  async #send(batch: readonly Entry[]): Promise<void> {
    const results = await this.#keeper.send(
      batch.flatMap(({ number, order, quiet, pipe, along = [] }): Request[] => [
        {
          op: "pass",
          through: this.#socket,
          names: pipe === undefined ? [] : [pipe],
          data: encodeOrder(number, order, quiet),
        },
        ...along,
      ]),
    );
    let at = 0;
    for (const entry of batch) {
      const result = results[at];
      at += 1 + (entry.along?.length ?? 0);
      // A writer that is gone takes nothing; its end is on the way to us, and the order waits for the next one.
      if (result !== undefined && result.errno !== 0 && !gone.has(result.errno))
        this.#fail([entry], new LogError(result.text, result.errno));
    }
  }

  /** Orders that could not be sent. */
  #fail(batch: readonly Entry[], error: Error): void {
    for (const entry of batch) {
      // It was to tell of others.
      const before = this.#sent.get(entry.number) === entry && !entry.quiet ? this.#quietBefore(entry) : [];
      this.#sent.delete(entry.number);
      entry.reject(error);
      // What came before it is asked for once more: to carry an order out twice makes no difference.
      for (const one of before) this.#sent.delete(one.number);
      this.#waiting.unshift(...before);
    }
    this.#schedule();
  }

  #nextNumber(): number {
    this.#number = (this.#number % (2 ** tagBits - 1)) + 1;
    return this.#tagBase + this.#number;
  }
}
