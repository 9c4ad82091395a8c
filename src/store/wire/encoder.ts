// The protocol's primitives as bytes: a request grows here until it is sent in one piece.

/** Enough for most requests: they are about one store item. */
const usual = 128;

export class Encoder {
  #bytes = Buffer.allocUnsafe(usual);
  #length = 0;

  /** @param value an integer of 32 bits without a sign */
  int(value: number): this {
    const at = this.#grow(8);
    this.#bytes.writeUInt32LE(value, at);
    this.#bytes.writeUInt32LE(0, at + 4);
    return this;
  }

  flag(value: boolean): this {
    return this.int(value ? 1 : 0);
  }

  long(value: bigint): this {
    const at = this.#grow(8);
    this.#bytes.writeBigUInt64LE(value, at);
    return this;
  }

  string(text: string): this {
    const length = Buffer.byteLength(text);
    this.int(length);
    const at = this.#grow(length);
    this.#bytes.write(text, at);
    return this.#pad(length);
  }

  bytes(data: Uint8Array): this {
    return this.int(data.length).raw(data).#pad(data.length);
  }

  strings(items: readonly string[]): this {
    this.int(items.length);
    for (const item of items) this.string(item);
    return this;
  }

  pairs(items: readonly (readonly [string, string])[]): this {
    this.int(items.length);
    for (const [first, second] of items) this.string(first).string(second);
    return this;
  }

  /** Bytes as they are, without a length or padding. */
  raw(data: Uint8Array): this {
    const at = this.#grow(data.length);
    this.#bytes.set(data, at);
    return this;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** What has been encoded; the encoder is not to be used any more. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #pad(length: number): this {
    const padding = -length & 7;
    const at = this.#grow(padding);
    for (let index = 0; index < padding; index++) this.#bytes[at + index] = 0;
    return this;
  }

  /** Makes room for `count` bytes more, perhaps in other memory, and gives the place of the first. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
