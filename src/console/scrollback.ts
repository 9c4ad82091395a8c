// The last bytes that a terminal got, for those who come later: bounded, and beginning with a line where it was cut.

const newline = 0x0a;

export class Scrollback {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    // A piece of a larger buffer would keep all of that.
    this.#chunks.push(Buffer.from(chunk));
    this.#length += chunk.length;
    while (this.#length > this.#limit) {
      const [first] = this.#chunks;
      if (first === undefined) return;
      const excess = this.#length - this.#limit;
      this.#cut = true;
      if (first.length <= excess) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(excess);
      this.#length -= Math.min(first.length, excess);
    }
  }

  /** What is there; where something was cut off, from the first line's beginning. */
  contents(): Buffer {
    const all = Buffer.concat(this.#chunks);
    if (!this.#cut) return all;
    const end = all.indexOf(newline);
    return end < 0 ? all : all.subarray(end + 1);
  }
}
