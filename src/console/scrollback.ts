// The last bytes that a terminal got, for those who come later: bounded, and beginning with a line where it was cut.

const newline = 0x0a;

export class Scrollback {
  /** Written round and round: whatever pieces the bytes come in, they take no more than this. */
  readonly #ring: Buffer;
  #end = 0;
  #length = 0;
  #cut = false;

  /** @param limit bytes that are kept */
  constructor(limit: number) {
    this.#ring = Buffer.alloc(limit);
  }

  push(chunk: Uint8Array): void {
    const limit = this.#ring.length;
    this.#cut ||= this.#length + chunk.length > limit;
    if (limit === 0) return;
    const kept = chunk.subarray(Math.max(0, chunk.length - limit));
    const first = kept.subarray(0, limit - this.#end);
    this.#ring.set(first, this.#end);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#end = (this.#end + kept.length) % limit;
    this.#length = Math.min(limit, this.#length + kept.length);
  }

  /** What is there; where something was cut off, from the first line's beginning. */
  contents(): Buffer {
    const start = this.#end - this.#length;
    const all =
      start >= 0
        ? Buffer.from(this.#ring.subarray(start, this.#end))
        : Buffer.concat([this.#ring.subarray(start), this.#ring.subarray(0, this.#end)]);
    if (!this.#cut) return all;
    const end = all.indexOf(newline);
    return end < 0 ? all : all.subarray(end + 1);
  }
}
