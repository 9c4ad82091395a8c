// An encoder and a decoder of docs/keeper-protocol.md §2 for tests, written from the document and independent of src.

import { Buffer } from "node:buffer";

export type RawValue = bigint | string | Buffer | RawFields;
export type RawFields = readonly (readonly [number, RawValue])[];
export interface RawItem {
  readonly type: number;
  readonly fields: RawFields;
}
export interface RawFrame {
  readonly kind: number;
  readonly flags: number;
  readonly tag: number;
  readonly items: readonly {
    readonly type: number;
    readonly fields: readonly (readonly [number, Buffer])[];
  }[];
}

function u16(value: number): Buffer {
  return Buffer.from([value & 255, value >> 8]);
}

function u32(value: number): Buffer {
  return Buffer.concat([u16(value & 0xffff), u16(value >>> 16)]);
}

export function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

export function rawFields(fields: RawFields): Buffer {
  return Buffer.concat(
    fields.map(([tag, value]) => {
      const bytes =
        typeof value === "bigint"
          ? i64(value)
          : typeof value === "string"
            ? Buffer.from(value)
            : Buffer.isBuffer(value)
              ? value
              : rawFields(value as RawFields);
      return Buffer.concat([u16(tag), u16(0), u32(bytes.length), bytes]);
    }),
  );
}

export function rawFrame(kind: number, tag: number, items: readonly RawItem[], flags = 0): Buffer {
  const body = Buffer.concat([
    Buffer.from([1, kind]),
    u16(flags),
    u32(tag),
    ...items.map(({ type, fields }) => {
      const bytes = rawFields(fields);
      return Buffer.concat([u32(bytes.length + 4), u16(type), u16(0), bytes]);
    }),
  ]);
  return Buffer.concat([u32(body.length), body]);
}

export function parseFields(bytes: Buffer): (readonly [number, Buffer])[] {
  const fields: (readonly [number, Buffer])[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.readUInt32LE(at + 4);
    if (bytes.readUInt16LE(at + 2) !== 0) throw new Error("a field's third and fourth byte are not zero");
    fields.push([bytes.readUInt16LE(at), bytes.subarray(at + 8, at + 8 + length)]);
    at += 8 + length;
  }
  if (at !== bytes.length) throw new Error("fields do not fill their item");
  return fields;
}

/** Parses as many whole frames as there are; returns what is left. */
export function parseFrames(bytes: Buffer): { readonly frames: readonly RawFrame[]; readonly rest: Buffer } {
  const frames: RawFrame[] = [];
  let rest = bytes;
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
    const frame = rest.subarray(4, 4 + rest.readUInt32LE(0));
    rest = rest.subarray(4 + frame.length);
    if (frame[0] !== 1) throw new Error("the frame's version is not 1");
    const items = [];
    let at = 8;
    while (at < frame.length) {
      const length = frame.readUInt32LE(at);
      if (frame.readUInt16LE(at + 6) !== 0) throw new Error("an item's last header bytes are not zero");
      items.push({
        type: frame.readUInt16LE(at + 4),
        fields: parseFields(frame.subarray(at + 8, at + 4 + length)),
      });
      at += 4 + length;
    }
    if (at !== frame.length) throw new Error("items do not fill their frame");
    frames.push({
      kind: frame.readUInt8(1),
      flags: frame.readUInt16LE(2),
      tag: frame.readUInt32LE(4),
      items,
    });
  }
  return { frames, rest };
}
