// A place in a file that grows, at the end of what was read. It notices when the file was cut behind its back: by the
// log writer, which takes an unfinished batch back when it was killed or the disk is full, or by somebody who emptied it.
import { closeSync } from "node:fs";
import { readChunk } from "./bytes.js";
import { LineSplitter } from "./line-splitter.js";
import { type Identity, identityOf, type OpenSegment } from "./segments.js";

/** How long, in ms, a file that became shorter may take until it has again what was read of it. */
const restoredWithin = 1000;
const witnessLength = 256;
/** No stamp is longer. A writer that writes a batch again stamps it anew, and only that differs. */
const longestStamp = 21;

/** What became of the lines that were read. */
export type Cut =
  /** The last of them were taken back, and others came in their place. */
  | "rewritten"
  /** The file was emptied. */
  | "emptied";

export interface Piece {
  readonly lines: readonly Buffer[];
  /** Whether something was read, so that there may be more. */
  readonly more: boolean;
  readonly cut?: Cut;
}

export class Cursor {
  readonly #descriptor: number;
  #position: number;
  #splitter = new LineSplitter();
  /** The first bytes of the file, and what stands before the position. */
  #head: Buffer;
  #tail: string;
  /** Since when, in ms, it has been shorter, and how short it was. */
  #short: { readonly since: number; readonly size: number } | undefined;

  constructor({ descriptor }: OpenSegment, position: number) {
    this.#descriptor = descriptor;
    this.#position = position;
    this.#head = readChunk(descriptor, 0, Math.min(witnessLength, position));
    this.#tail = this.#witness();
  }

  /** The file as it is now. */
  get identity(): Identity {
    return identityOf(this.#descriptor);
  }

  /** The lines that came, from at most one chunk. */
  read(): Piece {
    const cut = this.#check();
    if (cut === "wait") return { lines: [], more: false };
    const chunk = readChunk(this.#descriptor, this.#position);
    if (this.#head.length < witnessLength && this.#position === this.#head.length)
      this.#head = Buffer.concat([this.#head, chunk]).subarray(0, witnessLength);
    const lines = this.#splitter.feed(chunk);
    this.#position += chunk.length;
    if (chunk.length > 0) this.#tail = this.#witness();
    return { lines, more: chunk.length > 0, ...(cut === undefined ? {} : { cut }) };
  }

  /** Gives what is left of a last line, and the descriptor back. */
  close(): Buffer[] {
    closeSync(this.#descriptor);
    return this.#splitter.end();
  }

  #check(): Cut | "wait" | undefined {
    const { size } = identityOf(this.#descriptor);
    if (size >= this.#position && this.#isIntact()) {
      this.#short = undefined;
      return undefined;
    }
    const now = performance.now();
    if (size < this.#position) {
      this.#short = { since: this.#short?.since ?? now, size: Math.min(size, this.#short?.size ?? size) };
      if (now < this.#short.since + restoredWithin) return "wait";
    }
    return this.#goOn(this.#short?.size ?? Math.min(size, this.#position));
  }

  /** From where it was cut if what comes before is the same file's, else from the beginning. */
  #goOn(shortest: number): Cut {
    const head = readChunk(this.#descriptor, 0, Math.max(1, this.#head.length));
    const isSameFile = shortest > 0 && this.#head.subarray(0, shortest).equals(head.subarray(0, shortest));
    this.#short = undefined;
    this.#splitter = new LineSplitter();
    this.#position = isSameFile ? shortest : 0;
    this.#head = head.subarray(0, Math.min(head.length, this.#position));
    this.#tail = this.#witness();
    return isSameFile ? "rewritten" : "emptied";
  }

  #isIntact(): boolean {
    return this.#witness() === this.#tail;
  }

  /** The end of what was read, without the stamps. */
  #witness(): string {
    const from = Math.max(0, this.#position - witnessLength);
    if (from === this.#position) return "";
    const text = readChunk(this.#descriptor, from, this.#position - from).toString("latin1");
    return text
      .split("\n")
      .map((line) => line.slice(longestStamp))
      .join("\n");
  }
}
