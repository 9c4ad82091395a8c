// Frames, items and fields: the framing of docs/keeper-protocol.md §2, without any meaning.

import { fieldHeader, WireError } from "../../protocol/fields.js";

export { FieldReader, WireError } from "../../protocol/fields.js";

/** The largest value of a frame's length: what follows the length itself. */
export const frameLimit = 1_048_576;

export const frameKind = { request: 1, result: 2, event: 3, inventory: 4 } as const;
/** Frame flag of a request: stop at the first one that fails. */
export const stopAtFirstFailure = 1;

const protocolVersion = 1;
const frameHeader = 12;
const itemHeader = 8;

/** Writes one frame. What would grow beyond the limit throws before any of it is sent. */
export class FrameWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #length = frameHeader;

  item(type: number, body: () => void): void {
    const start = this.#reserve(itemHeader);
    body();
    this.#buffer.writeUInt32LE(this.#length - start - 4, start);
    this.#buffer.writeUInt32LE(type, start + 4);
  }

  fields(tag: number, body: () => void): void {
    const start = this.#field(tag, 0);
    body();
    this.#buffer.writeUInt32LE(this.#length - start, start - 4);
  }

  integer(tag: number, value: number | bigint): void {
    const number = Number(value);
    // Few take all 64 bits, and wide ones take long.
    if (Number.isSafeInteger(number)) {
      const at = this.#field(tag, 8);
      this.#buffer.writeUInt32LE(number >>> 0, at);
      this.#buffer.writeInt32LE(Math.floor(number / 2 ** 32), at + 4);
      return;
    }
    if (typeof value === "number") throw new WireError(`${value} is not an integer that can be sent`);
    if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new WireError(`${value} does not fit into 64 bits`);
    const start = this.#field(tag, 8);
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), start);
  }

  text(tag: number, value: string): void {
    if (value.includes("\0")) throw new WireError("the text contains a NUL");
    const start = this.#field(tag, Buffer.byteLength(value));
    this.#buffer.write(value, start);
  }

  bytes(tag: number, value: Uint8Array): void {
    const start = this.#field(tag, value.length);
    this.#buffer.set(value, start);
  }

  /** Where the next field begins. */
  get length(): number {
    return this.#length;
  }

  /** A copy of the fields that were written since there were `length` bytes. */
  since(length: number): Buffer {
    return Buffer.from(this.#buffer.subarray(length, this.#length));
  }

  /** Writes fields that were written before. */
  again(fields: Uint8Array): void {
    // It may get another buffer.
    const start = this.#reserve(fields.length);
    this.#buffer.set(fields, start);
  }

  finish(kind: number, flags: number, tag: number): Buffer {
    this.#buffer.writeUInt32LE(this.#length - 4, 0);
    this.#buffer.writeUInt8(protocolVersion, 4);
    this.#buffer.writeUInt8(kind, 5);
    this.#buffer.writeUInt16LE(flags, 6);
    this.#buffer.writeUInt32LE(tag, 8);
    return this.#buffer.subarray(0, this.#length);
  }

  /** Writes a field's header and returns where its value begins. */
  #field(tag: number, length: number): number {
    const start = this.#reserve(fieldHeader + length);
    this.#buffer.writeUInt32LE(tag, start);
    this.#buffer.writeUInt32LE(length, start + 4);
    return start + fieldHeader;
  }

  #reserve(size: number): number {
    const start = this.#length;
    const end = start + size;
    if (end > 4 + frameLimit) throw new WireError(`the frame is longer than ${frameLimit} bytes`);
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, start);
      this.#buffer = larger;
    }
    this.#length = end;
    return start;
  }
}

export interface Item {
  readonly type: number;
  readonly fields: Buffer;
}

export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly tag: number;
  readonly items: readonly Item[];
}

/** Cuts a byte stream into frames, and holds at most one incomplete one. After it threw it must not be used again. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #size = 0;
  /** How many bytes must be there before it is worth looking at them again. */
  #wanted = 4;

  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    if (this.#size < this.#wanted) return frames;
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size);
    this.#wanted = wantedOf(rest);
    while (rest.length >= this.#wanted) {
      frames.push(decodeFrame(rest.subarray(4, this.#wanted)));
      rest = rest.subarray(this.#wanted);
      this.#wanted = wantedOf(rest);
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
    return frames;
  }
}

/** The size of the frame that begins `bytes`, or of its length while that is incomplete. */
function wantedOf(bytes: Buffer): number {
  if (bytes.length < 4) return 4;
  const length = bytes.readUInt32LE(0);
  if (length < frameHeader - 4 || length > frameLimit) throw new WireError(`frame of length ${length}`);
  return 4 + length;
}

function decodeFrame(bytes: Buffer): Frame {
  const version = bytes.readUInt8(0);
  if (version !== protocolVersion) throw new WireError(`frame of version ${version}`);
  const items: Item[] = [];
  for (let at = frameHeader - 4; at < bytes.length; ) {
    if (bytes.length - at < itemHeader) throw new WireError("frame ends within an item's header");
    const length = bytes.readUInt32LE(at);
    if (length < itemHeader - 4 || length > bytes.length - at - 4)
      throw new WireError(`item of length ${length}`);
    if (bytes.readUInt16LE(at + 6) !== 0) throw new WireError("item with a header that is not zero");
    items.push({
      type: bytes.readUInt16LE(at + 4),
      fields: bytes.subarray(at + itemHeader, at + 4 + length),
    });
    at += 4 + length;
  }
  return {
    kind: bytes.readUInt8(1),
    flags: bytes.readUInt16LE(2),
    tag: bytes.readUInt32LE(4),
    items,
  };
}
