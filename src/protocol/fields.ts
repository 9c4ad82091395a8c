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

/** Reads the fields of one item, or of what else holds fields. Each field is taken once, and `end` refuses what nobody took. */
export class FieldReader {
  readonly #fields = new Map<number, Buffer[]>();

  constructor(bytes: Buffer) {
    for (let at = 0; at < bytes.length; ) {
      if (bytes.length - at < fieldHeader)
        throw new WireError("what holds them ends within a field's header");
      const tag = bytes.readUInt16LE(at);
      const length = bytes.readUInt32LE(at + 4);
      if (bytes.readUInt16LE(at + 2) !== 0) throw new WireError(`field ${tag} has a header that is not zero`);
      if (length > bytes.length - at - fieldHeader) throw new WireError(`field ${tag} exceeds what holds it`);
      const value = bytes.subarray(at + fieldHeader, at + fieldHeader + length);
      const values = this.#fields.get(tag);
      if (values === undefined) this.#fields.set(tag, [value]);
      else values.push(value);
      at += fieldHeader + length;
    }
  }

  list(tag: number): readonly Buffer[] {
    const values = this.#fields.get(tag) ?? [];
    this.#fields.delete(tag);
    return values;
  }

  optional(tag: number): Buffer | undefined {
    const [value, ...more] = this.list(tag);
    if (more.length > 0) throw new WireError(`field ${tag} is repeated`);
    return value;
  }

  optionalBig(tag: number): bigint | undefined {
    const value = this.optional(tag);
    if (value === undefined) return undefined;
    if (value.length !== 8) throw new WireError(`field ${tag} is no integer`);
    return value.readBigInt64LE(0);
  }

  optionalInteger(tag: number): number | undefined {
    const value = this.optionalBig(tag);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new WireError(`field ${tag} is out of range: ${value}`);
    return number;
  }

  optionalText(tag: number): string | undefined {
    return this.optional(tag)?.toString();
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
    const [tag] = this.#fields.keys();
    if (tag !== undefined) throw new WireError(`field ${tag} is unknown`);
  }
}

function required<Value>(tag: number, value: Value | undefined): Value {
  if (value === undefined) throw new WireError(`field ${tag} is missing`);
  return value;
}
