// The bytes of a daemon that were received and not decoded yet, and where in its answer they are.

import { TruncatedError, WireError } from "../errors.js";

const nothing = Buffer.alloc(0);

/** Bytes of what follows the messages, all strings of a list together. */
const largestAnswer = 512 * 1024 ** 2;

export class Input {
  /** Who sends, for messages. */
  readonly peer: string;
  #subject = "";
  #bytes: Buffer = nothing;
  /** Of `#bytes`, those from here to `#end` are there and not taken. */
  #offset = 0;
  #end = 0;
  /** How many bytes of the message were taken before those in `#bytes`; negative where it begins amid them. */
  #before = 0;
  /** Where what was taken last began. */
  #taken = 0;
  #ended = false;

  constructor(peer: string) {
    this.peer = peer;
  }

  /** A message or what follows the last one begins here: positions count from this byte. */
  begin(subject: string): void {
    this.#subject = subject;
    this.#before = -this.#offset;
  }

  get available(): number {
    return this.#end - this.#offset;
  }

  /** Bytes of the message that were taken. */
  get position(): number {
    return this.#before + this.#offset;
  }

  /** The first `length` bytes of `memory` have arrived: `keep` is to be called before it is used anew. */
  push(memory: Buffer, length = memory.length): void {
    this.#before += this.#offset;
    if (this.available === 0) {
      this.#bytes = memory;
      this.#end = length;
    } else {
      this.#bytes = Buffer.concat([this.#rest(), memory.subarray(0, length)]);
      this.#end = this.#bytes.length;
    }
    this.#offset = 0;
  }

  /** Moves what was not taken yet to memory of its own. */
  keep(): void {
    this.#before += this.#offset;
    this.#bytes = this.available === 0 ? nothing : Buffer.from(this.#rest());
    this.#offset = 0;
    this.#end = this.#bytes.length;
  }

  #rest(): Buffer {
    return this.#bytes.subarray(this.#offset, this.#end);
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
  }

  /** To be called where there are too few bytes: throws unless more may come. */
  demand(what: string): void {
    if (this.#ended)
      throw new TruncatedError(
        `${this.#place(what, this.position)}: the connection ended before it was whole`,
      );
    if (this.position > largestAnswer)
      this.fail(what, `the answer has more than the ${largestAnswer} bytes that are accepted`);
  }

  /** Eight bytes, of which at least as many are there, as a number of 32 bits. */
  takeInt(what: string): number {
    const at = this.#advance(8);
    if (this.#bytes.readUInt32LE(at + 4) !== 0)
      this.fail(what, `0x${this.#bytes.readBigUInt64LE(at).toString(16)} has more than 32 bits`);
    return this.#bytes.readUInt32LE(at);
  }

  /** Whether the next eight bytes, which are there, are this number. */
  nextIs(value: number): boolean {
    return (
      this.#bytes.readUInt32LE(this.#offset) === value && this.#bytes.readUInt32LE(this.#offset + 4) === 0
    );
  }

  takeLong(): bigint {
    return this.#bytes.readBigUInt64LE(this.#advance(8));
  }

  /** Up to `count` bytes of those that are there, as a view. */
  takeSome(count: number): Buffer {
    const length = Math.min(count, this.available);
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** About what was taken last. */
  fail(what: string, problem: string): never {
    throw new WireError(`${this.#place(what, this.#taken)}: ${problem}`);
  }

  /** A message of a type that is none: the word is the error's status, as in Guix. */
  refuse(word: number): never {
    const shown = `0x${word.toString(16)}`;
    throw new WireError(
      `${this.#place("the type of a message", this.#taken)}: invalid error code: ${shown}`,
      word,
    );
  }

  #place(what: string, position: number): string {
    return `${this.peer}: ${this.#subject}: ${what}, at byte ${position}`;
  }

  /** Passes over `count` bytes, and gives the place of the first. */
  #advance(count: number): number {
    const at = this.#offset;
    this.#taken = this.position;
    this.#offset = at + count;
    return at;
  }
}
