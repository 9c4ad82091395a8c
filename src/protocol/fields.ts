// Fields, the smallest parts of our binary protocols: a tag and a value (docs/keeper-protocol.md §2).

export const fieldHeader = 8;

/** What cannot be put into a frame, or was read from one that is malformed. */
export class WireError extends Error {
  override readonly name = "WireError";

  /** The same error, said of the part `where` of something larger. */
  within(where: string): WireError {
    return new WireError(`${where}: ${this.message}`, { cause: this });
  }
}

/** Fields, one after the other, as they are written. */
export function encodeFields(
  fields: readonly (readonly [tag: number, value: Uint8Array | number])[],
): Buffer {
  const parts: Uint8Array[] = [];
  for (const [tag, value] of fields) {
    const bytes = typeof value === "number" ? integerBytes(value) : value;
    const header = Buffer.allocUnsafe(fieldHeader);
    header.writeUInt32LE(tag, 0);
    header.writeUInt32LE(bytes.length, 4);
    parts.push(header, bytes);
  }
  return Buffer.concat(parts);
}

function integerBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

/** In place of the tag of a field that was taken. */
const taken = -1;

/** Reads the fields of one item, or of what else holds fields. Each field is taken once, and `end` refuses what nobody took. */
export class FieldReader {
  // All that comes from the keeper comes through here: a list of numbers costs a fraction of a map of slices.
  readonly #bytes: Buffer;
  readonly #tags: number[] = [];
  /** Where their values begin, and where they end. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    for (let at = 0; at < bytes.length; ) {
      if (bytes.length - at < fieldHeader)
        throw new WireError("what holds them ends within a field's header");
      const tag = bytes.readUInt16LE(at);
      const length = bytes.readUInt32LE(at + 4);
      if (bytes.readUInt16LE(at + 2) !== 0) throw new WireError(`field ${tag} has a header that is not zero`);
      const start = at + fieldHeader;
      if (length > bytes.length - start) throw new WireError(`field ${tag} exceeds what holds it`);
      at = start + length;
      this.#tags.push(tag);
      this.#starts.push(start);
      this.#ends.push(at);
    }
  }

  /** The place of a field, which nobody gets again; -1 where there is none. */
  #take(tag: number): number {
    const index = this.#tags.indexOf(tag);
    if (index >= 0) this.#tags[index] = taken;
    return index;
  }

  /** As `#take`, of a field that there must be only once. */
  #takeOnly(tag: number): number {
    const index = this.#take(tag);
    if (index >= 0 && this.#tags.includes(tag, index + 1)) throw new WireError(`field ${tag} is repeated`);
    return index;
  }

  #valueOf(index: number): Buffer {
    return this.#bytes.subarray(this.#starts[index], this.#ends[index]);
  }

  /** Where the bytes of an integer are; undefined where there is none. */
  #integerAt(tag: number): number | undefined {
    const index = this.#takeOnly(tag);
    const start = this.#starts[index];
    if (start === undefined) return undefined;
    if (this.#ends[index] !== start + 8) throw new WireError(`field ${tag} is no integer`);
    return start;
  }

  list(tag: number): readonly Buffer[] {
    const values: Buffer[] = [];
    for (let index = this.#take(tag); index >= 0; index = this.#take(tag)) values.push(this.#valueOf(index));
    return values;
  }

  optional(tag: number): Buffer | undefined {
    const index = this.#takeOnly(tag);
    return index < 0 ? undefined : this.#valueOf(index);
  }

  optionalBig(tag: number): bigint | undefined {
    const at = this.#integerAt(tag);
    return at === undefined ? undefined : this.#bytes.readBigInt64LE(at);
  }

  optionalInteger(tag: number): number | undefined {
    const at = this.#integerAt(tag);
    if (at === undefined) return undefined;
    const number = this.#bytes.readInt32LE(at + 4) * 2 ** 32 + this.#bytes.readUInt32LE(at);
    if (Number.isSafeInteger(number)) return number;
    throw new WireError(`field ${tag} is out of range: ${this.#bytes.readBigInt64LE(at)}`);
  }

  optionalText(tag: number): string | undefined {
    const index = this.#takeOnly(tag);
    return index < 0 ? undefined : this.#bytes.toString("utf8", this.#starts[index], this.#ends[index]);
  }

  big(tag: number): bigint {
    return required(tag, this.optionalBig(tag));
  }

  integer(tag: number): number {
    return required(tag, this.optionalInteger(tag));
  }

  text(tag: number): string {
    return required(tag, this.optionalText(tag));
  }

  /** A copy: what is kept must not keep the whole chunk it was read from. */
  bytes(tag: number): Uint8Array {
    return new Uint8Array(required(tag, this.optional(tag)));
  }

  flag(tag: number): boolean {
    return (this.optionalInteger(tag) ?? 0) !== 0;
  }

  end(): void {
    const tag = this.#tags.find((one) => one !== taken);
    if (tag !== undefined) throw new WireError(`field ${tag} is unknown`);
  }
}

function required<Value>(tag: number, value: Value | undefined): Value {
  if (value === undefined) throw new WireError(`field ${tag} is missing`);
  return value;
}
